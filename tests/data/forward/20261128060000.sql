-- A gauge that fell silent, the work that came of it, the clock of a device, the morning report.
insert into station_fault (station_id, datastream_id, kind, reason, began_at, opened_at, seen_at, closed_at)
select s.id, d.id, 'silent', '{"measured": 7200.0, "limit": 3600.0, "count": 0}', '2026-02-10T10:00:00Z', '2026-02-10T12:00:00Z',
    '2026-02-10T13:00:00Z', c.closed_at
from station s join datastream d on d.station_id = s.id and d.name in ('rain', 'level') cross
join lateral (select case d.name when 'level' then timestamptz '2026-02-10T13:00:00Z' end as closed_at) c;
insert into maintenance_task (station_id, opened_at, assigned_to) select id, '2026-02-10T12:00:00Z', md5('staff caio')::uuid from station
    where code = 'PLV-01';
insert into maintenance_event (task_id, at, actor, act, detail)
select t.id, e.at, e.actor, e.act, e.detail
    from maintenance_task t, (values (timestamptz '2026-02-10T12:00:00Z', 'service', 'opened', ''),
        ('2026-02-10T12:30:00Z', 'elisa', 'assigned', 'caio')) e (at, actor, act, detail);
insert into device_clock (device_id, day, offset_s, spread_s, messages, told, estimated_at)
    select id, '2026-02-10', 0.6, 0.1, 14, true, '2026-02-10T12:00:00Z' from device where code = 'dl-boa-vista';
insert into morning_report (day, made_at, body) values ('2026-02-10', '2026-02-10T09:00:00Z',
    '{"rain": [{"code": "PLV-01", "h24_mm": 12.4, "h72_mm": 20.8, "station": "Pluviômetro Boa Vista"}], "blind": [], "feeds": [],
    "closed": [], "levels": [["maximum", 0], ["alert", 1], ["attention", 0], ["observation", 0], ["unknown", 1], ["normal", 0]], "opened": [], "changes": [], "messages": [], "readings": 7, "incidents": [], "rain_mute": 0, "quarantined": 1, "rain_gauges": 1}');
insert into morning_letter (day, staff_id, notice_id, queued_at) values
    ('2026-02-10', md5('staff elisa')::uuid, md5('notice manha')::uuid, '2026-02-10T09:00:00Z');
update health_round set due_at = '2026-02-10T13:10:00Z' where name = 'health';
update staff set morning_report = false where username = 'ana';
