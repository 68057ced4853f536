-- A member who is recused from a case.
insert into case_recusal (id, case_id, username, how, reason, at, by) values
    (md5('recusal 1')::uuid, md5('case etica')::uuid, 'caio', 'declared', 'dirigia a viatura', '2026-01-23T12:00:00Z', 'caio');
