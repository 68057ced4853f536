-- A row with its danger apart from its priority, which the triggers count, tried again because nobody knew; and somebody no channel reaches.
insert into outbox (alert_id, resident_id, channel, address, area_id, basis, danger, priority, state, reason, attempts, next_attempt_at, expires_at,
    provider, accepted_at, created_at)
select md5('alert em vigor')::uuid, md5('resident ivo')::uuid, 'sms', '+5532900000006', id, 'inside', 0, 11, 'accepted', '', 2,
    '2026-02-13T16:00:00Z', '2026-02-13T18:00:00Z', 'smpp:operadora', '2026-02-13T16:00:02.5Z', '2026-02-13T16:00:00Z'
    from risk_area where code = 'encosta-boa-vista';
insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome) select id, 1, 1, '2026-02-13T16:00:00Z', 'smpp:operadora', 'unknown'
    from outbox where address = '+5532900000006';
insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome)
    select id, 2, 1, '2026-02-13T16:00:02Z', 'smpp:operadora', 'accepted' from outbox where address = '+5532900000006';
insert into dispatch_unreachable (alert_id, resident_id, area_id) select md5('alert em vigor')::uuid, md5('resident pedro')::uuid, id
    from risk_area where code = 'encosta-boa-vista';
