-- A webhook that asks for events hears of an occurrence that is confirmed.
update endpoint set configuration = '{"url": "https://painel.exemplo.invalid/entrada", "events": ["incidents", "occurrences"]}', revision = 2,
    changed_at = '2026-02-16T18:00:00Z' where name = 'Painel da cidade';
insert into endpoint_event (endpoint_id, event, subject_id, at, payload, state, attempt, expires_at, ended_at) values
    (md5('endpoint cidade')::uuid, 'incident.opened', md5('incident boa vista')::uuid, '2026-02-16T18:05:00Z',
        '{"id": "1", "number": "2026/001", "drill": false}', 'delivered', 1, '2026-02-17T18:05:00Z', '2026-02-16T18:05:01Z');
