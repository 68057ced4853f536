-- What people reported, before occurrences were worked to their end: one waits, one is confirmed, one was closed, one joined to another.
insert into station (code, name, geom, source, is_virtual, created_at, updated_at) values
    ('reports:encosta-boa-vista', 'Relatos: Encosta da Boa Vista', st_setsrid(st_makepoint(-43.355, -21.755), 4326), 'service', true,
        '2026-02-02T10:00:00Z', '2026-02-02T10:00:00Z');
insert into occurrence (id, number, kind, state, geom, precision_m, opened_at, first_at, last_at, decided_at, decided_by, reason, merged_into,
    incident_id, trust, pressing)
select md5('occurrence ' || o.key)::uuid, o.number, o.kind, o.state, o.geom, case when o.geom is not null then 20 end, o.opened_at, o.opened_at,
    o.opened_at, o.decided_at, case when o.decided_at is not null then 'caio' end, o.reason,
    case when o.state = 'merged' then md5('occurrence barranco')::uuid end, case when o.key = 'barranco' then md5('incident boa vista')::uuid end,
        0.6, 0.6
from (values
    ('barranco', '2026/001', 'landslide', 'confirmed', st_setsrid(st_makepoint(-43.3541, -21.7552), 4326), timestamptz '2026-02-02T10:00:00Z',
        timestamptz '2026-02-02T10:20:00Z', ''),
    ('rua cheia', '2026/002', 'flooding', 'new', st_setsrid(st_makepoint(-43.3402, -21.7701), 4326), '2026-02-02T10:05:00Z', null, ''),
    ('arvore', '2026/003', 'fallen_tree', 'closed', st_setsrid(st_makepoint(-43.3123, -21.7323), 4326), '2026-01-12T20:10:00Z',
        '2026-01-12T20:30:00Z', 'removida'),
    ('sem lugar', '2026/004', 'fire', 'dismissed', null, '2026-02-02T10:10:00Z', '2026-02-02T10:12:00Z', 'trote'),
    ('mesmo barranco', '2026/005', 'landslide', 'merged', st_setsrid(st_makepoint(-43.3542, -21.7553), 4326), '2026-02-02T10:15:00Z',
        '2026-02-02T10:25:00Z', 'é a mesma'))
    o (key, number, kind, state, geom, opened_at, decided_at, reason);
insert into number_series (series, year, last_number) values ('occurrence', 2026, 5), ('report', 2026, 5);
insert into report (id, protocol, idempotency_key, source, kind, words, place, geom, precision_m, place_from, observed_at, received_at, language,
    reporter, standing, doubts)
select md5('report ' || o.number)::uuid, 'R-' || replace(o.number, '/', '-'), 'chave-' || replace(o.number, '/', '-'), 'web', o.kind,
    'O barranco desceu atrás da casa.', 'perto da padaria', o.geom, o.precision_m,
    case when o.geom is null then 'unknown' else 'pin' end, o.opened_at, o.opened_at, 'pt-BR', decode(md5('reporter ' || o.number), 'hex'),
        'anonymous', '{}'
    from occurrence o;
insert into report_contact (report_id, sealed, created_at) values (md5('report 2026/001')::uuid, '\x011112131415161718dd', '2026-02-02T10:00:00Z');
insert into report_standing (report_id, occurrence_id, because, trust, reasons, weight, fed)
select md5('report ' || o.number)::uuid, coalesce(o.merged_into, o.id), '{"why": "first_here"}', 0.6,
    '[{"why": "contact", "count": 0, "points": 35}]', 0.6, case when o.state = 'confirmed' then 0.6 end
    from occurrence o;
insert into report_stream (report_id, datastream_id) select md5('report 2026/001')::uuid, id from datastream where name = 'reports';
insert into occurrence_event (occurrence_id, at, actor, kind, text, detail) values
    (md5('occurrence barranco')::uuid, '2026-02-02T10:20:00Z', 'caio', 'confirmed', '', '{}'),
    (md5('occurrence barranco')::uuid, '2026-02-02T10:21:00Z', 'caio', 'note', 'Falei com a moradora.', '{}');
insert into attachment (id, kind, report_id, media_type, sha256, bytes, width, height, caption, content, thumbnail, uploaded_by, created_at) values
    (md5('photo 3')::uuid, 'photograph', md5('report 2026/001')::uuid, 'image/jpeg', sha256('\xffd8ffdb'), 4, 1, 1, '', '\xffd8ffdb', '\xffd8ffdb',
        'resident', '2026-02-02T10:01:00Z');
