-- A bucket that counts tips, and readings of years ago that were filled in.
update datastream set counter_wraps_at = 13107.2, tip_mm = 0.2 where name = 'rain_total';
insert into journal (seq, datastream_id, observed_at, received_at, value, quality, source, reading_key)
select nextval('journal_seq'), id, '2019-03-04T12:00:00Z', '2026-02-10T14:00:00Z', 12.4, 'pass', 'history', decode(md5('rain 2019'), 'hex')
    from datastream where name = 'rain';
update journal_month set newest_seq = 8, newest_received_at = '2026-02-10T14:00:00Z' where month = '2019-03-01';
