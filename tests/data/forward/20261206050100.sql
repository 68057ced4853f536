-- Outlets of the press: one on the list, one that was taken off and whose address was still kept, and what left for both.
insert into press_outlet (id, name, contact, email, tags, added_at, added_by, removed_at, removed_by) values
    (md5('outlet folha')::uuid, 'Folha da Serra', 'Redação', 'redacao@exemplo.invalid', '{obras}', '2026-01-12T12:00:00Z', 'ana', null, null),
    (md5('outlet radio')::uuid, 'Rádio do Vale', 'João Repórter', 'joao@exemplo.invalid', '{}', '2026-01-12T12:00:00Z', 'ana',
        '2026-02-12T12:00:00Z', 'ana');
insert into notice (id, channel, address, purpose, subject, body, state, attempts, next_attempt_at, expires_at, provider, fence, created_at, final_at)
select md5('notice ' || name)::uuid, 'email', email, 'press_release', '', '', 'delivered', 1, '2026-01-21T13:01:00Z', '2026-01-22T13:01:00Z',
    'sink:email', 1, '2026-01-21T13:01:00Z', '2026-01-21T13:01:02Z'
    from press_outlet;
insert into press_delivery (publication_id, outlet_id, at, notice_id)
    select md5('publication 1')::uuid, id, '2026-01-21T13:01:00Z', md5('notice ' || name)::uuid from press_outlet;
insert into press_distributed (publication_id, at, outlets) values (md5('publication 1')::uuid, '2026-01-21T13:01:00Z', 2);
