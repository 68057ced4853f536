-- Hours of months whose readings went. Of a counter the sum was then that of the totals it showed.
insert into reading_hour (datastream_id, hour, count, suspect, failed, missing, sum, min, max, last, last_at)
select d.id, h.hour, h.count, 0, 0, null, h.sum, h.min, h.max, h.last, h.last_at
from (values ('rain_total', timestamptz '2025-01-10T10:00:00Z', 2, 203.0, 100.0, 103.0, 103.0, timestamptz '2025-01-10T10:50:00Z'),
    ('rain_total', '2025-01-10T11:00:00Z', 2, 231.5, 110.0, 121.5, 121.5, '2025-01-10T11:50:00Z'),
    ('rain_total', '2025-01-10T12:00:00Z', 1, 4.0, 4.0, 4.0, 4.0, '2025-01-10T12:50:00Z'),
    ('rain', '2025-01-10T10:00:00Z', 6, 18.2, 0.4, 7.2, 1.0, '2025-01-10T10:50:00Z')) h (stream, hour, count, sum, min, max, last, last_at)
join datastream d on d.name = h.stream;
insert into journal_month (month, dropped_at) values ('2025-01-01', '2026-02-01T04:00:00Z');
