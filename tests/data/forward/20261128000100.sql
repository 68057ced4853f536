-- What the surroundings said of a reading, a stream of people's reports, and a device's word on itself.
insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
select id, 'reports', 'reports', '1', 'instantaneous', 86400, '2026-02-02T08:00:00Z' from station where code = 'PLV-01';
insert into reading_flag (journal_seq, datastream_id, observed_at, test, quality, reason, flagged_at)
select seq, datastream_id, observed_at, 'neighbours', 'suspect', '6.6 in 24 h, where 5 gauges within 7 km have a median of 29.33',
    '2026-02-02T08:00:00Z'
    from journal where seq = 6;
insert into device_report (device_id, received_at, reported_at, firmware, battery_pct, signal_dbm)
select id, '2026-02-02T08:00:03Z', '2026-02-02T08:00:00Z', '1.9.2', 71.5, -97 from device where code = 'dl-boa-vista';
