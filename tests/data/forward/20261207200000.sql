-- An order of the mayor begins a case of another module: the link, and the act of the order that says so.
insert into case_type (key, version, sha256, text, kept_at)
select 'assignments.order', 1, sha256(convert_to(t.text, 'UTF8')), t.text, '2026-02-19T12:00:00Z'
from (select $toml$module = "assignments"
key = "assignments.order"
version = 1
title = { pt = "Ordem do Prefeito", en = "Order of the mayor" }
law_ref = "Ato de organização da Secretaria, cláusula 21"
access = "internal"
series = { prefix = "ORD" }

[[field]]
key = "text"
label = { pt = "Ordem", en = "Order" }
kind = "text"

[[state]]
key = "open"
label = { pt = "Em aberto", en = "Open" }

[[state]]
key = "reported"
label = { pt = "Cumprida", en = "Reported" }
final = true

[opening]

[starts]
states = ["open"]

[[transition]]
key = "report"
label = { pt = "Relatar", en = "Report" }
from = ["open"]
to = "reported"
roles = ["owner", "assignments"]
$toml$ as text) t;
insert into number_series (series, year, last_number) values ('case:ORD', 2026, 1);
insert into case_file (id, type_key, type_version, module, series, year, number, title, state, is_final, fields, department, assigned, access,
    author, source, opened_at, changed_at, revision, words, opened_year) values
    (md5('case ordem')::uuid, 'assignments.order', 1, 'assignments', 'ORD', 2026, 1, 'Acompanhar o muro', 'open', false,
        '{"text": "Acompanhar a obra do muro até o fim."}', 'Secretaria de Obras', 'elisa', 'internal', 'ana', 'staff', '2026-02-19T12:00:00Z',
        '2026-02-19T13:00:00Z', 2, 'ORD 2026/001 Acompanhar o muro Secretaria de Obras Acompanhar a obra do muro até o fim.', 2026),
    (md5('case da ordem')::uuid, 'coordination.follow_up', 1, 'coordination', null, null, null, 'Obra do muro', 'received', false,
        '{"text": "Medição de fevereiro."}', '', '', 'internal', 'elisa', 'staff', '2026-02-19T13:00:00Z', '2026-02-19T13:00:00Z', 1,
        'Obra do muro Medição de fevereiro.', 2026);
select pg_temp.act(md5('case ordem')::uuid, 1, '2026-02-19T12:00:00Z', 'ana', 'staff', 'open', '', 'open',
    '{"text":[null,"Acompanhar a obra do muro até o fim."]}'),
    pg_temp.act(md5('case da ordem')::uuid, 1, '2026-02-19T13:00:00Z', 'elisa', 'staff', 'open', '', 'received',
        '{"text":[null,"Medição de fevereiro."]}');
insert into case_link (from_case, to_case, kind, at, actor) values
    (md5('case ordem')::uuid, md5('case da ordem')::uuid, 'started', '2026-02-19T13:00:00Z', 'elisa');
select pg_temp.act(md5('case ordem')::uuid, 2, '2026-02-19T13:00:00Z', 'elisa', 'staff', 'link', 'open', 'open',
    '{"started":"' || md5('case da ordem')::uuid || '"}');
