-- Messages in every state that a row could have when the outbox was one table; also of an exercise, from before exercises had participants.
insert into outbox (alert_id, resident_id, channel, address, area_id, basis, priority, state, reason, attempts, next_attempt_at, expires_at,
    provider, lease_until, fence,
    provider_message_id, accepted_at, final_at, created_at)
select md5('alert ' || o.alert)::uuid, md5('resident ' || o.resident)::uuid, o.channel, o.address, a.id, o.basis, o.priority, o.state, o.reason,
    o.attempts, '2026-02-01T00:20:01Z', '2026-02-01T12:15:00Z',
    o.provider, o.lease_until, o.attempts, o.message, o.accepted_at, o.final_at, '2026-02-01T00:20:00Z'
from (values
    ('em vigor', 'joana', 'sms', '+5532900000001', 'inside', 10, 'delivered', '', 2, 'smpp:operadora', null::timestamptz, 'op-77',
        timestamptz '2026-02-01T00:20:04.25Z', timestamptz '2026-02-01T00:20:09Z'),
    ('em vigor', 'joana', 'email', 'joana@exemplo.invalid', 'inside', 10, 'suppressed', 'opted_out', 0, null, null, null, null,
        '2026-02-01T00:20:00Z'),
    ('em vigor', 'pedro', 'sms', '+5532900000002', 'within_precision', 13, 'sending', '', 1, 'smpp:operadora', '2026-02-01T00:20:35Z', null, null,
        null),
    ('em vigor', 'pedro', 'email', 'pedro@exemplo.invalid', 'within_precision', 13, 'pending', '', 0, null, null, null, null, null),
    ('em vigor', 'joana', 'sms', '+5532900000003', 'inside', 10, 'rejected', 'smpp 11 invalid destination', 1, 'smpp:operadora', null, null, null,
        '2026-02-01T00:20:05Z'),
    ('simulado', 'joana', 'sms', '+5532900000001', 'inside', 10, 'accepted', '', 1, 'smpp:operadora', null, 'op-12', '2026-01-20T13:00:02Z', null))
    o (alert, resident, channel, address, basis, priority, state, reason, attempts, provider, lease_until, message, accepted_at, final_at),
        risk_area a
    where a.code = 'encosta-boa-vista';
insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome, code, provider_message_id)
select o.id, t.attempt, 1, t.at, 'smpp:operadora', t.outcome, t.code, t.message
from (values ('+5532900000001', 1, timestamptz '2026-02-01T00:20:01Z', 'unknown', '', null), ('+5532900000001', 2, '2026-02-01T00:20:04Z',
    'accepted', '0', 'op-77'),
    ('+5532900000003', 1, '2026-02-01T00:20:02Z', 'rejected', '11', null)) t (address, attempt, at, outcome, code, message)
join outbox o on o.address = t.address and o.alert_id = md5('alert em vigor')::uuid;
insert into delivery_receipt (provider, received_at, raw, provider_message_id, status, address, outbox_id, part, matched_at)
select 'smpp:operadora', '2026-02-01T00:20:09Z', 'id:op-77 stat:DELIVRD err:000', 'op-77', 'DELIVRD', o.address, o.id, 1, '2026-02-01T00:20:09Z'
    from outbox o where o.provider_message_id = 'op-77';
insert into delivery_receipt (provider, received_at, raw, provider_message_id, status) values
    ('smpp:operadora', '2026-02-01T00:21:00Z', 'id:op-99 stat:UNDELIV err:001', 'op-99', 'UNDELIV');
insert into sink_message (at, channel, address, subject, body, outbox_id)
select '2026-01-20T13:00:02Z', 'sms', o.address, '', 'EXERCÍCIO DEFESA CIVIL: simulado na Boa Vista.', o.id from outbox o
    where o.provider_message_id = 'op-12';
insert into dispatch_run (alert_id, enqueued_at, spread_at, recipients, suppressed, unreachable) values
    (md5('alert em vigor')::uuid, '2026-02-01T00:20:00Z', '2026-02-01T00:20:01Z', 5, 1, 0),
    (md5('alert simulado')::uuid, '2026-01-20T13:00:00Z', '2026-01-20T13:00:00Z', 1, 0, 0);
insert into dispatch_claimer (provider, channel, place, holder, lease_until, healthy) values
    ('smpp:operadora', 'sms', 0, md5('node 1')::uuid, '2026-02-01T00:20:40Z', true);
