-- A case that is counted in the year of the town, which the service knows since.
insert into case_file (id, type_key, type_version, module, title, state, is_final, fields, access, author, source, opened_at, changed_at, words,
    opened_year) values
    (md5('case virada')::uuid, 'coordination.follow_up', 1, 'coordination', 'Aberto na virada do ano', 'received', false, '{"text": "Conferir"}',
        'internal', 'elisa', 'staff', '2026-01-01T01:00:00Z', '2026-01-01T01:00:00Z', 'Aberto na virada do ano Conferir', 2025);
select pg_temp.act(md5('case virada')::uuid, 1, '2026-01-01T01:00:00Z', 'elisa', 'staff', 'open', '', 'received', '{"text":[null,"Conferir"]}');
