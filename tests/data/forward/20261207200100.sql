-- A case refers to an agreement: the link, and the act of the case that says so.
insert into case_instrument (case_id, instrument_id, at, actor) values
    (md5('case da ordem')::uuid, md5('instrument fomento')::uuid, '2026-02-19T14:00:00Z', 'elisa');
select pg_temp.act(md5('case da ordem')::uuid, 2, '2026-02-19T14:00:00Z', 'elisa', 'staff', 'link', 'received', 'received',
    '{"instrument":"' || md5('instrument fomento')::uuid || '"}');
update case_file set revision = 2, changed_at = '2026-02-19T14:00:00Z' where id = md5('case da ordem')::uuid;
