-- The stages of the river, and streams of what others warn of and a model foretells.
update datastream set stages = '{"attention": 2.5, "alert": 3.0, "overflow": 3.6}' where name = 'level';
insert into datastream (station_id, name, quantity, unit, kind, stale_after_s, created_at)
select s.id, q.name, q.quantity, q.unit, 'instantaneous', 86400, '2026-02-11T08:00:00Z'
    from station s, (values ('warnings', 'warnings', '1'), ('forecast', 'rain_forecast', 'mm')) q (name, quantity, unit)
    where s.code = 'reports:encosta-boa-vista';
