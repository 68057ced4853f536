-- A check of the chain that somebody asked for and that found nothing.
insert into audit_check (id, asked_at, asked_by, finished_at, checked, total, head_seq, head_hash)
select md5('audit check 1')::uuid, '2026-02-01T08:10:00Z', 'gil', '2026-02-01T08:10:02Z', 2, 2, c.seq, c.hash
    from audit_chain c order by c.seq desc limit 1;
