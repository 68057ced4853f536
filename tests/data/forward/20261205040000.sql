-- Rows that wait and that are under way in the days of the queue.
insert into outbox (alert_id, resident_id, channel, address, basis, danger, priority, state, attempts, next_attempt_at, expires_at, provider,
    lease_until, fence, created_at) values
    (md5('alert em vigor')::uuid, md5('resident rita')::uuid, 'email', 'rita@exemplo.invalid', 'inside', 0, 10, 'sending', 1, '2026-02-16T14:00:00Z',
        '2026-02-16T15:00:00Z', 'smtp:casa', '2026-02-16T14:00:30Z', 1, '2026-02-16T14:00:00Z'),
    (md5('alert em vigor')::uuid, md5('resident rita')::uuid, 'sms', '+5532900000008', 'within_buffer', 4, 19, 'pending', 0, '2026-02-16T14:00:00Z',
        '2026-02-16T15:00:00Z', null, null, 0, '2026-02-16T14:00:00Z');
-- Of this alert so many rows were written by now.
update dispatch_run set recipients = 9 where alert_id = md5('alert em vigor')::uuid;
