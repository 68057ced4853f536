-- A service that was evaluated: its questionnaire, codes, answers and texts, and the report of the year.
insert into evaluation_service (id, code, name, sphere, unit, department, changed_at) values
    (md5('service posto')::uuid, 'posto-identidade', 'Carteira de identidade', 'state', 'Posto de identificação', '', '2025-09-01T12:00:00Z');
insert into evaluation_form (key, version, text, saved_at, saved_by, used_at) values ('usuarios', 1, $toml$key = "usuarios"
version = 1
title = { pt = "Avaliação do serviço", en = "Evaluation of the service" }
lead = { pt = "Leva dois minutos.", en = "It takes two minutes." }
law_ref = "Lei 13.460/2017, art. 23"

[[question]]
key = "satisfaction"
kind = "scale"
topic = "satisfaction"
label = { pt = "No geral, o que achou do serviço?", en = "Overall, how was the service?" }

[[question]]
key = "improve"
kind = "text"
label = { pt = "O que pode melhorar?", en = "What could be better?" }
$toml$, '2025-09-01T12:00:00Z', 'ana', '2025-09-01T12:10:00Z');
insert into evaluation_round (id, year, title, form_key, form_version, opens_on, closes_on, open_link, created_at, created_by) values
    (md5('round 2025')::uuid, 2025, 'Pesquisa de 2025', 'usuarios', 1, '2025-09-01', '2025-09-30', true, '2025-09-01T12:10:00Z', 'ana');
insert into evaluation_round_service (round_id, service_id) values (md5('round 2025')::uuid, md5('service posto')::uuid);
insert into evaluation_code (hash, round_id, service_id) values (sha256('codigo da pesquisa'), md5('round 2025')::uuid, md5('service posto')::uuid);
insert into evaluation_code_batch (round_id, service_id, codes, at, by) values
    (md5('round 2025')::uuid, md5('service posto')::uuid, 50, '2025-09-01T12:20:00Z', 'ana');
insert into evaluation_response (id, round_id, service_id, answers) values
    (md5('response 1')::uuid, md5('round 2025')::uuid, md5('service posto')::uuid, '{"satisfaction": "2"}');
insert into evaluation_comment (id, round_id, service_id, question, text, state, checked_by, checked_at) values
    (md5('comment a')::uuid, md5('round 2025')::uuid, md5('service posto')::uuid, 'improve', 'Falta cobertura.', 'waiting', null, null),
    (md5('comment z')::uuid, md5('round 2025')::uuid, md5('service posto')::uuid, 'improve', 'A fila começa na rua.', 'shown', 'ana',
        '2025-10-02T12:00:00Z');
insert into evaluation_stamp (hash, day) values (sha256('formulario enviado'), '2025-09-29');
insert into evaluation_manifestation (service_id, year, manifestations, source, at, by) values
    (md5('service posto')::uuid, 2025, 28, 'Ofício 3/2026', '2026-01-10T12:00:00Z', 'ana');
insert into evaluation_report (id, year, seq, document, reason, prev, hash, at, by)
    select md5('evaluation report 1')::uuid, 2025, 1, d.document::jsonb, '', null, sha256(convert_to(d.document, 'UTF8')), '2026-01-15T12:00:00Z',
        'ana'
from (values ('{"year": 2025, "least": 5, "enough": 10, "law_ref": "Lei 13.460/2017, art. 23", "ranking": [], "services": [], "responses": 1, "complaints": []}')) d (document);
