-- Somebody paused an alert's messages and let them go again.
insert into dispatch_control (alert_id, control, since, by, reason) values
    (md5('alert em vigor')::uuid, 'running', '2026-02-13T17:05:00Z', 'elisa', 'texto conferido');
insert into dispatch_act (alert_id, at, act, actor, reason, waiting, under_way) values
    (md5('alert em vigor')::uuid, '2026-02-13T17:00:00Z', 'pause', 'elisa', 'conferir o texto', 1, 1),
    (md5('alert em vigor')::uuid, '2026-02-13T17:05:00Z', 'resume', 'elisa', 'texto conferido', 1, 0);
insert into outbox (alert_id, resident_id, channel, address, basis, danger, priority, state, held, refused_by, next_attempt_at, expires_at,
    created_at) values
    (md5('alert em vigor')::uuid, md5('resident ivo')::uuid, 'email', 'ivo@exemplo.invalid', 'inside', 0, 11, 'pending', true, '{smtp:casa}',
        '2026-02-13T17:00:00Z', '2026-02-13T18:00:00Z', '2026-02-13T17:00:00Z');
