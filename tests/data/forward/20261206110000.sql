-- What is spent fits what was released; the minutes of the meeting are drafted; a case moves its revision by one.
insert into instrument_money (instrument_id, seq, movement, centavos, happened_on, what, reverses, at, actor) values
    (md5('instrument fomento')::uuid, 3, 'spent', 2500000, '2026-02-10', 'Material', null, '2026-02-10T12:00:00Z', 'ana'),
    (md5('instrument fomento')::uuid, 4, 'spent', -2500000, '2026-02-11', 'Estorno', 3, '2026-02-11T12:00:00Z', 'ana');
update body_meeting set state = 'drafted', ended_at = '2026-01-20T18:00:00Z', minutes = 'Aprovada a revisão do plano.', minutes_revision = 1,
    changed_at = '2026-01-21T12:00:00Z' where id = md5('meeting 1')::uuid;
select pg_temp.act(md5('case virada')::uuid, 2, '2026-01-02T12:00:00Z', 'elisa', 'staff', 'finish', 'received', 'closed', '{}');
update case_file set state = 'closed', is_final = true, revision = 2, changed_at = '2026-01-02T12:00:00Z' where id = md5('case virada')::uuid;
