-- A council with its seats, a meeting that decided with quorum, what it resolved and what the public reads; and a council of ethics.
insert into body (id, slug, name, kind, act_kind, act_number, act_on, purpose, contact, term_from, rules, created_at, changed_at)
select md5('body ' || b.slug)::uuid, b.slug, b.name, b.kind, 'decree', b.act, '2026-01-05', 'Aconselhar a Defesa Civil.', 'conselho@exemplo.invalid',
    '2026-01-05', '{"public": true, "majority": "simple", "qualified": null, "quorum_open": {"den": 2, "num": 1, "more": true},
    "second_call": {"quorum": {"den": 3, "num": 1, "more": false}, "after_min": 30}, "casting_vote": true, "quorum_decide": {"den": 2, "num": 1, "more": true}, "notice_ordinary": "committees.notice.ordinary", "most_reappointments": 1, "notice_extraordinary": "committees.notice.extraordinary"}',
    '2026-01-05T12:00:00Z', '2026-01-05T12:00:00Z'
    from (values ('compdec', 'Conselho de Proteção e Defesa Civil', 'council', '1/2026'), ('etica', 'Conselho de Ética Pública', 'ethics',
        '2/2026')) b (slug, name, kind, act);
insert into body_person (id, name, staff_id, created_at) values
    (md5('body person otilia')::uuid, 'Otília Brandão', null, '2026-01-05T12:00:00Z'),
    (md5('body person gil')::uuid, 'Gil Torres', md5('staff gil')::uuid, '2026-01-05T12:00:00Z');
insert into body_person_private (person_id, email, changed_at) values
    (md5('body person otilia')::uuid, 'otilia@exemplo.invalid', '2026-01-05T12:00:00Z');
insert into body_seat (id, body_id, position, entity, role, created_at)
    select md5(b.slug || ' seat ' || s.n)::uuid, b.id, s.n, s.entity, s.role, '2026-01-05T12:00:00Z'
    from body b, (values (1, 'Defesa Civil', 'chair'), (2, 'Associação de moradores', 'member')) s (n, entity, role);
insert into body_mandate (id, seat_id, body_id, person_id, capacity, from_on, until_on, act, created_at)
select md5('mandate ' || s.id)::uuid, s.id, s.body_id, case s.position when 1 then md5('body person otilia') else md5('body person gil') end::uuid,
    'titular', '2026-01-05', '2028-01-04', 'Decreto 3/2026', '2026-01-05T12:00:00Z'
    from body_seat s;
insert into body_meeting (id, body_id, year, number, kind, state, starts_at, place, earliest_at, notice_law_ref, notice_trace, convened_at,
    convened_by, opened_at, opened_call, sequence, changed_at) values
    (md5('meeting 1')::uuid, md5('body compdec')::uuid, 2026, 1, 'ordinary', 'opened', '2026-01-20T17:00:00Z', 'Sala de reuniões',
        '2026-01-17T03:00:00Z', 'Regimento interno', '[{"day": "2026-01-09", "step": "anchor"}, {"day": "2026-01-17", "step": "due"}]',
        '2026-01-09T12:00:00Z', 'elisa', '2026-01-20T17:05:00Z', 1, 1, '2026-01-20T17:05:00Z');
insert into number_series (series, year, last_number) values
    ('body_meeting/' || md5('body compdec')::uuid, 2026, 1),
    ('body_resolution/' || md5('body compdec')::uuid, 2026, 1);
insert into body_call (meeting_id, call, present, needed, seats, reached, at, by) values
    (md5('meeting 1')::uuid, 1, 2, 2, 2, true, '2026-01-20T17:05:00Z', 'elisa');
insert into body_item (id, meeting_id, position, title, restricted, created_at) values
    (md5('meeting item 1')::uuid, md5('meeting 1')::uuid, 1, 'Revisão do plano de contingência', false, '2026-01-09T12:00:00Z'),
    (md5('meeting item 2')::uuid, md5('meeting 1')::uuid, 2, 'Uso do ginásio', false, '2026-01-09T12:00:00Z');
insert into body_document (id, item_id, name, sha256, bytes, at, by) values
    (md5('body document 1')::uuid, md5('meeting item 1')::uuid, 'minuta.pdf', encode(sha256('%PDF-1.4 minuta'), 'hex'), '%PDF-1.4 minuta',
        '2026-01-09T12:10:00Z', 'elisa');
insert into body_attendance (meeting_id, seat_id, person_id, capacity, present, at, by)
    select md5('meeting 1')::uuid, m.seat_id, m.person_id, 'titular', true, '2026-01-20T17:05:00Z', 'elisa' from body_mandate m
    where m.body_id = md5('body compdec')::uuid;
insert into body_recusal (item_id, person_id, reason, at, by) values
    (md5('meeting item 2')::uuid, md5('body person gil')::uuid, 'mora ao lado', '2026-01-20T17:10:00Z', 'elisa');
insert into body_vote (item_id, seat_id, person_id, choice, at, by)
    select md5('meeting item 1')::uuid, m.seat_id, m.person_id, 'for', '2026-01-20T17:20:00Z', 'elisa' from body_mandate m
    where m.body_id = md5('body compdec')::uuid;
insert into body_decision (item_id, how, votes_for, votes_against, votes_abstain, present, seats, quorum, needed, approved, reason, at, by) values
    (md5('meeting item 1')::uuid, 'roll_call', 2, 0, 0, 2, 2, 2, 1, true, 'maioria simples: 2 a favor de 1 necessários, 0 contra',
        '2026-01-20T17:21:00Z', 'elisa');
insert into body_resolution (id, body_id, year, number, item_id, text, restricted, determination, determination_to, at, by) values
    (md5('resolution 1')::uuid, md5('body compdec')::uuid, 2026, 1, md5('meeting item 1')::uuid, 'Aprova a revisão do plano.', false,
        'Publicar o plano revisto', 'Secretaria de Governo', '2026-01-20T17:25:00Z', 'elisa');
insert into body_snapshot (body_id, key, document, at, by)
select id, 'card', jsonb_build_object('kind', kind, 'name', name, 'slug', slug, 'seats', '[]'::jsonb, 'years', '[]'::jsonb, 'act_on', act_on,
    'popolo', '{"posts": [], "persons": [], "memberships": [], "organizations": []}'::jsonb, 'contact', contact, 'law_ref', law_ref, 'purpose',
    purpose, 'act_kind', act_kind, 'ended_on', null,
    'meetings', '[]'::jsonb, 'term_from', term_from, 'act_number', act_number, 'term_until', null), '2026-01-05T12:00:00Z', 'elisa' from body
        where slug = 'compdec';
