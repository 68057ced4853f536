-- A clock that drifts, and a feed with readings that fit none of our streams.
insert into station_fault (station_id, device_id, kind, reason, began_at, opened_at, seen_at)
select station_id, id, 'clock_drifts', '{"measured": 12.0, "limit": 5.0, "count": 30}', '2026-02-08T00:00:00Z', '2026-02-10T14:20:00Z',
    '2026-02-10T14:20:00Z'
    from device where code = 'dl-boa-vista';
update feed set unfit = 2, unfit_why = 'PLV-01: mm expected, m found' where name = 'cemaden';
