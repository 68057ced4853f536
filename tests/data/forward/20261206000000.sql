-- Cases of the first release of the secretariat, under versions of their types that are no longer the newest. Each act is chained to the one
-- before it as the service did: the sum of one JSON with sorted keys. Later files use this function too.
create function pg_temp.act(of_case uuid, place integer, moment timestamptz, who text, kind text, what text, was text, became text,
    change text) returns void language sql as $$
    insert into case_act (case_id, seq, at, actor, actor_kind, act, from_state, to_state, changes, prev, hash)
    select of_case, place, moment, who, kind, what, was, became, change::jsonb, before.hash, sha256(convert_to(
        '{"act":' || to_json(what) || ',"actor":' || to_json(who) || ',"actor_kind":' || to_json(kind) || ',"at":"' || to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '","case":"' || of_case || '","changes":' || change || ',"from":' || to_json(was) || ',"prev":' || coalesce('"' || encode(before.hash, 'hex') || '"', 'null')
        || ',"reason":"","seq":' || place || ',"to":' || to_json(became) || '}', 'UTF8'))
    from (select 1) one left join case_act before on before.case_id = of_case and before.seq = place - 1
$$;
insert into case_type (key, version, sha256, text, kept_at)
select t.key, 1, sha256(convert_to(t.text, 'UTF8')), t.text, '2025-12-01T12:00:00Z'
from (select k.key, format($toml$module = "%s"
key = "%s"
version = 1
title = { pt = "%s", en = "%s" }
law_ref = "Ato de organização da Secretaria"
access = "%s"
series = { prefix = "%s" }
%s
[[state]]
key = "received"
label = { pt = "Recebido", en = "Received" }

[[state]]
key = "closed"
label = { pt = "Encerrado", en = "Closed" }
final = true

[opening]

[[transition]]
key = "finish"
label = { pt = "Encerrar", en = "Close" }
from = ["received"]
to = "closed"
roles = ["owner"]
$toml$, split_part(k.key, '.', 1), k.key, k.title, k.title, k.access, k.prefix, (select string_agg(format(E'\n[[field]]\nkey = "%s"\nlabel = { pt = "%s", en = "%s" }\nkind = "text"\n', f, f, f), '') from unnest(k.fields) f)) as text
    from (values ('sic.request', 'Pedido de informação', 'restricted', 'SIC', '{request,outcome,theme}'::text[]),
        ('ombudsman.manifestation', 'Manifestação', 'restricted', 'OUV', '{kind,text}'),
        ('transparency.publication', 'Publicação', 'internal', 'TRA', '{item,covers_until,tags}'),
        ('ethics.procedure', 'Procedimento ético', 'restricted', 'ETI', '{facts}'),
        ('coordination.follow_up', 'Acompanhamento', 'internal', 'ACO', '{text}')) k (key, title, access, prefix, fields)) t;
insert into case_file (id, type_key, type_version, module, series, year, number, title, state, is_final, fields, department, access, author, source,
    code_hash, opened_at, changed_at, revision, words)
select md5('case ' || c.key)::uuid, c.type, 1, split_part(c.type, '.', 1), c.series, c.year, c.number, c.title, c.state, c.state = 'closed',
    c.fields::jsonb, c.department, c.access, '', c.source, case when c.source = 'citizen' then sha256(convert_to('codigo ' || c.key, 'UTF8')) end,
    c.opened_at, c.opened_at, c.revision, concat_ws(' ', c.series || ' ' || c.year || '/' || lpad(c.number::text, 3, '0'), c.title, c.department,
        (select string_agg(value, ' ') from jsonb_each_text(c.fields::jsonb)))
from (values
    ('sic', 'sic.request', 'SIC', 2025, 7, 'Obras de contenção', 'closed',
        '{"request": "Moro na rua das Palmeiras 98: quando sai o muro?", "outcome": "atendido", "theme": "obras"}', 'Secretaria de Obras',
        'restricted', 'citizen', timestamptz '2025-12-31T23:30:00Z', 2),
    ('sic sem numero', 'sic.request', null, null, null, 'Vagas em creche', 'received', '{"request": "Quantas vagas há?"}', '', 'restricted',
        'citizen', '2026-01-01T01:30:00Z', 1),
    ('ouvidoria', 'ombudsman.manifestation', 'OUV', 2026, 12, 'Barulho do vizinho', 'received',
        '{"kind": "complaint", "text": "O vizinho da casa 12 faz barulho."}', 'Secretaria de Meio Ambiente', 'restricted', 'citizen',
        '2026-01-20T12:00:00Z', 1),
    ('transparencia', 'transparency.publication', 'TRA', 2026, 1, 'Licitações de 2025', 'closed',
        '{"item": "licitacoes", "covers_until": "2025-12-31", "tags": "Licitações, obras"}', '', 'public', 'staff', '2026-01-21T12:00:00Z', 2),
    ('etica', 'ethics.procedure', 'ETI', 2026, 1, 'Uso de viatura', 'received', '{"facts": "Viatura usada no domingo."}', '', 'restricted', 'staff',
        '2026-01-22T12:00:00Z', 1))
    c (key, type, series, year, number, title, state, fields, department, access, source, opened_at, revision);
insert into number_series (series, year, last_number) values
    ('case:SIC', 2025, 7),
    ('case:OUV', 2026, 12),
    ('case:TRA', 2026, 1),
    ('case:ETI', 2026, 1);
select pg_temp.act(md5('case sic')::uuid, 1, '2025-12-31T23:30:00Z', 'citizen', 'anonymous', 'open', '', 'received',
    '{"request":[null,"Moro na rua das Palmeiras 98: quando sai o muro?"]}'),
    pg_temp.act(md5('case sic sem numero')::uuid, 1, '2026-01-01T01:30:00Z', 'citizen', 'anonymous', 'open', '', 'received',
        '{"request":[null,"Quantas vagas há?"]}'),
    pg_temp.act(md5('case ouvidoria')::uuid, 1, '2026-01-20T12:00:00Z', 'citizen', 'anonymous', 'open', '', 'received',
        '{"kind":[null,"complaint"],"text":[null,"O vizinho da casa 12 faz barulho."]}'),
    pg_temp.act(md5('case transparencia')::uuid, 1, '2026-01-21T12:00:00Z', 'elisa', 'staff', 'open', '', 'received',
        '{"covers_until":[null,"2025-12-31"],"item":[null,"licitacoes"],"tags":[null,"Licitações, obras"]}'),
    pg_temp.act(md5('case etica')::uuid, 1, '2026-01-22T12:00:00Z', 'elisa', 'staff', 'open', '', 'received',
        '{"facts":[null,"Viatura usada no domingo."]}');
select pg_temp.act(md5('case sic')::uuid, 2, '2026-01-15T12:00:00Z', 'elisa', 'staff', 'finish', 'received', 'closed',
    '{"outcome":[null,"atendido"],"theme":[null,"obras"]}'),
    pg_temp.act(md5('case transparencia')::uuid, 2, '2026-01-21T13:00:00Z', 'elisa', 'staff', 'finish', 'received', 'closed', '{}');
insert into case_document (id, case_id, kind, version, name, media_type, bytes, sha256, draft, added_at, added_by) values
    (md5('case document 1')::uuid, md5('case sic')::uuid, 'answer', 1, 'resposta.txt', 'text/plain', 'Em março.', sha256('Em março.'::text::bytea),
        false, '2026-01-15T12:00:00Z', 'elisa');
insert into case_link (from_case, to_case, kind, at, actor) values
    (md5('case sic sem numero')::uuid, md5('case sic')::uuid, 'refers', '2026-01-16T12:00:00Z', 'elisa');
-- JSON with sorted keys and without spaces, of which the sum is.
create function pg_temp.canonical(given jsonb) returns text language plpgsql as $$
begin
    return case jsonb_typeof(given)
        when 'object' then (select '{' || string_agg(to_json(f.key)::text || ':' || pg_temp.canonical(f.value), ',' order by f.key collate "C") || '}'
            from jsonb_each(given) f)
        when 'array' then (select '[' || string_agg(pg_temp.canonical(i.item), ',' order by i.place) || ']'
            from jsonb_array_elements(given) with ordinality i (item, place))
        else given::text end;
end $$;
insert into case_publication (id, case_id, module, type_key, seq, snapshot, sha256, published_at, published_by)
select md5('publication 1')::uuid, id, module, type_key, 1, s.snapshot, sha256(convert_to(pg_temp.canonical(s.snapshot), 'UTF8')), '2026-01-21T13:00:00Z', 'elisa'
from case_file cross
join lateral (select jsonb_build_object('type', type_key, 'state', state, 'title', title, 'fields', fields, 'number', 'TRA 2026/001', 'version', 1,
    'opened_on', '2026-01-21') as snapshot) s
where id = md5('case transparencia')::uuid;
insert into deadline (id, subject_kind, subject_id, title, link, code, law_ref, anchor_event, anchor_at, due_on, due_at, warn_days, confirmed, trace,
    state, set_at, set_by)
select md5('deadline ' || c.id)::uuid, 'case', c.id, c.title, '/secretaria/painel/' || c.module || '/casos/' || c.id, c.module || '.answer',
    'Lei 12.527/2011', 'received', c.opened_at, '2036-02-20', '2036-02-21T02:59:59Z', 5, false,
    '[{"day": "2026-01-20", "step": "anchor"}, {"day": "2036-02-20", "step": "due"}]', 'open', c.opened_at, 'anonymous'
from case_file c where c.state = 'received';
