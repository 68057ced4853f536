-- A request from now on is searched without what the citizen wrote.
insert into case_file (id, type_key, type_version, module, title, state, is_final, fields, access, author, source, code_hash, opened_at, changed_at,
    words, opened_year) values
    (md5('case sic novo')::uuid, 'sic.request', 1, 'sic', 'Muro da escola', 'received', false, '{"request": "Quando sai o muro da escola?"}',
        'restricted', '', 'citizen', sha256('codigo sic novo'), '2026-02-17T15:00:00Z', '2026-02-17T15:00:00Z', 'Muro da escola', 2026);
select pg_temp.act(md5('case sic novo')::uuid, 1, '2026-02-17T15:00:00Z', 'citizen', 'anonymous', 'open', '', 'received',
    '{"request":[null,"Quando sai o muro da escola?"]}');
