-- A warning of another institution and what replaced it, over one of the town's areas; a list entry that was read.
insert into outside_warning (source, identifier, sent_at, content_sha256, series, revision, sender, sender_name, status, msg_type, scope, urgency,
    severity, certainty, level, colour, event, headline,
    description, instruction, web, effective_at, onset_at, expires_at, area_texts, geocodes, polygons, reference_keys, raw, for_us_by, received_at)
select 'inmet', 'urn:inmet:28277.' || w.revision, w.sent_at, sha256(w.raw::bytea), '28277', w.revision, 'cap@inmet.invalid', 'INMET', 'Actual',
    w.type, 'Public', 'Future', 'Severe', 'Likely', 'Perigo', '#FF7F00',
    'Chuvas intensas', 'Aviso de chuvas intensas', 'Chuva entre 50 e 100 mm por dia.', 'Evite áreas alagadas.', 'https://inmet.invalid/28277',
        w.sent_at, w.sent_at, '2026-02-11T23:00:00Z', '{Zona da Mata}', '{3136702}',
    st_geomfromtext('MULTIPOLYGON(((-44 -22, -43 -22, -43 -21, -44 -21, -44 -22)))', 4326), w.refs::text[], w.raw::bytea, '{geocode,polygon}',
        w.sent_at
from (values (1, timestamptz '2026-02-10T12:00:00Z', 'Alert', '{}', '<alert/>'), (2, '2026-02-10T18:00:00Z', 'Update',
    '{"cap@inmet.invalid,urn:inmet:28277.1"}', '<alert></alert>')) w (revision, sent_at, type, refs, raw);
update outside_warning set superseded_by = (select id from outside_warning where revision = 2), linked_how = 'references' where revision = 1;
insert into outside_warning_area (warning_id, area_id) select w.id, a.id from outside_warning w, risk_area a
    where w.revision = 1 and a.code = 'encosta-boa-vista';
insert into feed_entry (source, key, asked_at) values ('inmet', 'https://inmet.invalid/28277', '2026-02-10T12:00:00Z');
