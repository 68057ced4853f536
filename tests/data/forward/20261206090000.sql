-- The case that came of the resolution.
insert into case_file (id, type_key, type_version, module, series, year, number, title, state, is_final, fields, access, author, source, opened_at,
    changed_at, words) values
    (md5('case determinacao')::uuid, 'coordination.follow_up', 1, 'coordination', 'ACO', 2026, 1, 'Publicar o plano revisto', 'received', false,
        '{"text": "Publicar o plano revisto"}', 'internal', 'elisa', 'service', '2026-01-20T17:30:00Z', '2026-01-20T17:30:00Z',
        'ACO 2026/001 Publicar o plano revisto');
insert into number_series (series, year, last_number) values ('case:ACO', 2026, 1);
select pg_temp.act(md5('case determinacao')::uuid, 1, '2026-01-20T17:30:00Z', 'service', 'service', 'open', '', 'received',
    '{"text":[null,"Publicar o plano revisto"]}');
update body_resolution set spawned_case = md5('case determinacao')::uuid where id = md5('resolution 1')::uuid;
