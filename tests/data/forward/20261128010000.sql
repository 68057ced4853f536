-- A stream with limits of its own, and a flag that tells its numbers.
update datastream set limits = '{"rate": {"suspect": 1.5}}' where name = 'level';
insert into reading_flag (journal_seq, datastream_id, observed_at, test, quality, reason, flagged_at, why)
select seq, datastream_id, observed_at, 'spike', 'suspect', '2.31 stands out', '2026-02-02T09:00:00Z',
    '{"test": "spike", "off_by": 1.16, "limit": 0.5}'
    from journal where seq = 3;
