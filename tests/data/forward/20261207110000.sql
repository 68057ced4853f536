-- Rows beside the acts from now on get their link from the database; an act says what it left of money and document.
insert into case_document (id, case_id, kind, version, name, media_type, bytes, sha256, draft, added_at, added_by) values
    (md5('case document 2')::uuid, md5('case ouvidoria')::uuid, 'draft_answer', 1, 'minuta.txt', 'text/plain', 'Prezado', sha256('Prezado'), true,
        '2026-02-17T20:00:00Z', 'elisa');
insert into instrument_money (instrument_id, seq, movement, centavos, happened_on, what, at, actor) values
    (md5('instrument fomento')::uuid, 5, 'spent', 100000, '2026-02-17', 'Transporte', '2026-02-17T20:00:00Z', 'ana');
update body set purpose = 'Aconselhar a Defesa Civil e acompanhar o plano de contingência.', revision = 2, changed_at = '2026-02-17T20:10:00Z'
    where slug = 'compdec';
insert into body_attendance (meeting_id, seat_id, person_id, capacity, present, at, by) values
    (md5('meeting 1')::uuid, md5('compdec seat 2')::uuid, md5('body person gil')::uuid, 'titular', false, '2026-02-17T20:15:00Z', 'elisa');
insert into budget_act (bill_id, at, actor, act) values (md5('bill loa')::uuid, '2026-02-17T20:20:00Z', 'ana', 'publish');
insert into instrument_act (instrument_id, seq, at, actor, act, from_state, to_state, asked, prev, covers, hash)
select id, 2, '2026-02-17T20:30:00Z', 'ana', 'review', 'active', 'active', '{"act": "review"}', first.sum, left_there.covers::jsonb,
    pg_temp.sum_of(id, 2, '2026-02-17T20:30:00Z', 'ana', 'review', 'active', 'active', '{"act":"review"}', first.sum, left_there.covers)
from (select md5('instrument carteira')::uuid as id) one
cross join lateral (select pg_temp.sum_of(id, 1, '2026-01-10T12:00:00Z', 'ana', 'open', '', 'active', '{"kind":"portfolio"}', null) as sum) first
cross
join lateral (select '{"document":"' || encode(sha256(convert_to('{"budget":0,"budget_key":"","closed_on":null,"closed_reason":"","kind":"portfolio","links":[],"milestones":[],"objective":"Menos gente em área de risco","owner":"Secretaria de Planejamento","portfolio":null,"risks":[],"state":"active","title":"Cidade resiliente"}',
    'UTF8')), 'hex')
    || '","entries":0,"money":"' || encode(sha256(''), 'hex') || '"}' as covers) left_there;
update instrument set revision = 2, changed_at = '2026-02-17T20:30:00Z' where id = md5('instrument carteira')::uuid;
