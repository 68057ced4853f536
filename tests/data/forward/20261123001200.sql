-- Feeds of others: one that answers, one that has not for a day, one that never did.
insert into feed (name, due_at, asked_at, answered_at, failures, error, changed_at, readings, newest_observed_at) values
    ('cemaden', '2026-02-02T00:10:00Z', '2026-02-02T00:00:00Z', '2026-02-02T00:00:00Z', 0, '', '2026-02-02T00:00:00Z', 12, '2026-02-01T23:50:00Z'),
    ('inmet', '2026-02-02T00:30:00Z', '2026-02-02T00:00:00Z', '2026-02-01T06:00:00Z', 14, 'HTTP 503', '2026-02-01T05:00:00Z', 3,
        '2026-02-01T05:00:00Z'),
    ('ana', '2026-02-02T00:40:00Z', '2026-02-02T00:00:00Z', null, 2, 'connection refused', null, 0, null);
update device set profile = 'milesight-em500', hardware_id = '24e124785c123456' where code = 'dl-regua';
