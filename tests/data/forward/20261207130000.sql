-- The registry: an organisation and its double, a person, a place, how they are reached and where they stand.
insert into registry_entry (id, kind, name, short_name, nature, cnpj, cpf_sum, cpf_sealed, cpf_masked, address, longitude, latitude, access,
    reserved_to, opened_at, opened_by, changed_at) values
    (md5('registry serra')::uuid, 'organisation', 'Instituto Serra Segura', 'ISS', 'civil_society', '11222333000181', null, null, '',
        'Rua das Palmeiras, 10', null, null, 'internal', '', '2026-02-18T08:00:00Z', 'ana', '2026-02-18T08:00:00Z'),
    (md5('registry serra dupla')::uuid, 'organisation', 'Inst. Serra Segura', '', 'civil_society', null, null, null, '', '', null, null, 'internal',
        '', '2026-02-18T08:01:00Z', 'ana', '2026-02-18T08:01:00Z'),
    (md5('registry otilia')::uuid, 'person', 'Otília Brandão', '', '', null, decode(md5('cpf otilia'), 'hex'),
        decode('011112131415161718' || repeat('5b', 32), 'hex'), '***.222.333-**', '', null, null, 'restricted', 'ethics', '2026-02-18T08:02:00Z',
        'ana', '2026-02-18T08:02:00Z'),
    (md5('registry escola')::uuid, 'place', 'Escola da Boa Vista', '', '', null, null, null, '', 'Rua das Palmeiras, 200', -43.353, -21.757,
        'public', '', '2026-02-18T08:03:00Z', 'ana', '2026-02-18T08:03:00Z');
update registry_entry set merged_into = md5('registry serra')::uuid, revision = 2, changed_at = '2026-02-18T08:10:00Z'
    where id = md5('registry serra dupla')::uuid;
insert into registry_contact (id, entry_id, channel, value, purpose, given_on, given_by, withdrawn_on, withdrawn_by) values
    (md5('registry contact 1')::uuid, md5('registry serra')::uuid, 'email', 'contato@exemplo.invalid', 'convites', '2026-02-18', 'ana', null, null),
    (md5('registry contact 2')::uuid, md5('registry otilia')::uuid, 'phone', null, 'convocações', '2026-02-18', 'ana', '2026-02-19', 'ana');
insert into registry_link (entry_id, subject_kind, subject_id, role, made_at, made_by) values
    (md5('registry serra')::uuid, 'instrument', md5('instrument fomento')::uuid, 'partner', '2026-02-18T08:20:00Z', 'ana'),
    (md5('registry otilia')::uuid, 'body_person', md5('body person otilia')::uuid, 'member', '2026-02-18T08:20:00Z', 'ana');
-- A mission with its briefing, which everybody of the house found by its words then.
insert into case_type (key, version, sha256, text, kept_at)
select 'representation.mission', 1, sha256(convert_to(t.text, 'UTF8')), t.text, '2026-02-18T09:00:00Z'
from (select $toml$module = "representation"
key = "representation.mission"
version = 1
title = { pt = "Missão", en = "Mission" }
law_ref = "Ato de organização da Secretaria, cláusula 1"
access = "public"
series = { prefix = "MIS" }

[[field]]
key = "place"
label = { pt = "Lugar", en = "Place" }
kind = "line"

[[field]]
key = "briefing"
label = { pt = "Nota de preparação", en = "Briefing" }
kind = "text"

[[state]]
key = "planned"
label = { pt = "Planejada", en = "Planned" }

[[state]]
key = "held"
label = { pt = "Realizada", en = "Held" }
final = true

[opening]

[[transition]]
key = "hold"
label = { pt = "Registrar", en = "Record" }
from = ["planned"]
to = "held"
roles = ["representation"]
$toml$ as text) t;
insert into number_series (series, year, last_number) values ('case:MIS', 2026, 1);
insert into case_file (id, type_key, type_version, module, series, year, number, title, state, is_final, fields, access, author, source, opened_at,
    changed_at, words, opened_year) values
    (md5('case missao')::uuid, 'representation.mission', 1, 'representation', 'MIS', 2026, 1, 'Reunião na capital', 'planned', false,
        '{"place": "Belo Horizonte", "briefing": "Ceder na contrapartida."}', 'public', 'elisa', 'staff', '2026-02-18T09:00:00Z',
        '2026-02-18T09:00:00Z', 'MIS 2026/001 Reunião na capital Belo Horizonte Ceder na contrapartida.', 2026);
select pg_temp.act(md5('case missao')::uuid, 1, '2026-02-18T09:00:00Z', 'elisa', 'staff', 'open', '', 'planned',
    '{"briefing":[null,"Ceder na contrapartida."],"place":[null,"Belo Horizonte"]}');
