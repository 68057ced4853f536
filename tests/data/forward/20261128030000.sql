-- Appends from now on open the month and note what is newest. One reading more of each stream, and a month that opened for a history of 2019.
select journal_open_month('2026-02-10'), journal_open_month('2019-03-01');
insert into journal (seq, datastream_id, device_id, message_id, observed_at, received_at, value, quality, source, reading_key)
select nextval('journal_seq'), d.id, v.id, 'm-3', r.observed_at, '2026-02-10T09:50:03Z', r.value, 'pass', 'mqtt',
    decode(md5(r.stream || r.observed_at), 'hex')
from (values ('rain_total', timestamptz '2026-02-10T09:50:00Z', 1340.0)) r (stream, observed_at, value) join datastream d on d.name = r.stream
join device v on v.code = 'dl-boa-vista';
update journal_month set newest_seq = 7, newest_received_at = '2026-02-10T09:50:03Z' where month = '2026-02-01';
insert into stream_latest (datastream_id, seq, observed_at, received_at, value, quality)
select datastream_id, seq, observed_at, received_at, value, quality from journal where seq = 7
on conflict (datastream_id) do update set seq = excluded.seq, observed_at = excluded.observed_at, received_at = excluded.received_at,
    value = excluded.value, quality = excluded.quality;
update pipeline_cursor set seq = 7, through_at = '2026-02-10T09:50:03Z' where name = 'evaluator';
