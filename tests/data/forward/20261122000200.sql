-- Readings over the turn of a month, one of them corrected, as the journal of one table held them. The last of January came late.
insert into journal (seq, datastream_id, device_id, message_id, observed_at, received_at, value, quality, quality_reason, source, reading_key,
    revision, revises_seq)
select nextval('journal_seq'), d.id, v.id, r.message, r.observed_at, r.received_at, r.value, r.quality, r.why, r.source,
    decode(md5(r.stream || r.observed_at), 'hex'), r.revision, r.revises
from (values
    ('rain', 'dl-boa-vista', 'm-1', timestamptz '2026-01-31T23:40:00Z', timestamptz '2026-01-31T23:40:05Z', 4.2, 'pass', '', 'mqtt', 0, null::bigint),
    ('rain_total', 'dl-boa-vista', 'm-1', '2026-01-31T23:40:00Z', '2026-01-31T23:40:05Z', 1312.4, 'pass', '', 'mqtt', 0, null),
    ('level', null, null, '2026-02-01T00:10:00Z', '2026-02-01T00:12:00Z', 2.31, 'pass', '', 'import', 0, null),
    ('rain', 'dl-boa-vista', 'm-2', '2026-02-01T00:10:00Z', '2026-02-01T00:12:30Z', 999.0, 'fail', 'acima de 150 mm em 10 min', 'mqtt', 0, null),
    ('rain', 'dl-boa-vista', 'm-2', '2026-02-01T00:10:00Z', '2026-02-01T00:30:00Z', 9.8, 'pass', '', 'http', 1, 4),
    ('rain', 'dl-boa-vista', 'm-0', '2026-01-31T23:50:00Z', '2026-02-01T00:31:00Z', 6.6, 'suspect', 'chegou atrasada', 'http', 0, null))
    r (stream, device, message, observed_at, received_at, value, quality, why, source, revision, revises)
join datastream d on d.name = r.stream left join device v on v.code = r.device order by r.received_at, r.stream;
insert into quarantine (received_at, source, device, topic, payload, reason, field, value) values
    ('2026-02-01T00:13:00Z', 'mqtt', 'dl-boa-vista', 'sentinela/v1/dl-boa-vista/readings', '{"t":"ontem"}', 'the time cannot be read', 't', 'ontem');
insert into pipeline_cursor (name, seq, through_at) values ('evaluator', 6, '2026-02-01T00:31:00Z');
