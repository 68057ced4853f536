-- The siren: two persons let it sound, it was tested, and a silence of its own is owed.
insert into siren (endpoint_id, device_id, state, changed_at, reported_at, tested_at, test_passed)
    select md5('endpoint sirene')::uuid, id, 'idle', '2026-02-13T13:10:00Z', '2026-02-13T13:10:00Z', '2026-02-13T13:00:00Z', true from device
    where code = 'dl-boa-vista';
update device_report set siren = 'idle', siren_at = '2026-02-13T13:10:00Z';
insert into siren_request (id, sirens, pattern, duration_s, reason, asked_by, asked_at, expires_at, state, decided_by, decided_at) values
    (md5('siren request 1')::uuid, array[md5('endpoint sirene')::uuid], 'wail', 60, 'Encosta em movimento', md5('staff caio')::uuid,
        '2026-02-13T13:05:00Z', '2026-02-13T13:10:00Z', 'confirmed', md5('staff elisa')::uuid, '2026-02-13T13:06:00Z');
insert into device_command (id, device_id, name, args, state, issued_by, issued_at, expires_at, times_sent, sent_at, ended_at, result)
select md5('command siren')::uuid, id, 'siren_sound', '{"pattern": "wail", "duration_s": 60}', 'acknowledged', 'caio', '2026-02-13T13:06:00Z',
    '2026-02-13T13:11:00Z', 1, '2026-02-13T13:06:01Z', '2026-02-13T13:06:02Z', 'done'
    from device where code = 'dl-boa-vista';
insert into siren_command (command_id, endpoint_id, act, duration_s, cause, request_id, asked_at, seen) values
    (md5('command siren')::uuid, md5('endpoint sirene')::uuid, 'sound', 60, 'request', md5('siren request 1')::uuid, '2026-02-13T13:06:00Z',
        'acknowledged');
insert into siren_owed (endpoint_id, silence_at, failures) values (md5('endpoint sirene')::uuid, null, 2);
insert into maintenance_event (task_id, at, actor, act, detail) select id, '2026-02-13T13:00:00Z', 'service', 'noted', 'sirene testada'
    from maintenance_task where closed_at is null;
