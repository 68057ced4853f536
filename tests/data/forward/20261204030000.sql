-- Somebody who lives with a resident and needs help.
insert into consent (resident_id, purpose, given, at, text_version, source) values
    (md5('resident rita')::uuid, 'household', true, '2026-02-15T14:00:00Z', '2026-02', 'own page');
insert into resident_companion (id, resident_id, label, needs, added_at) values
    (md5('companion 1')::uuid, md5('resident rita')::uuid, 'home', '{sight}', '2026-02-15T14:00:00Z');
insert into vault_record (id, purpose, subject, sealed, created_by, created_at, keep_until) values
    (md5('vault companion')::uuid, 'resident_household', 'companion:' || md5('companion 1')::uuid, '\x011112131415161718ef', 'resident',
        '2026-02-15T14:00:00Z', '2031-02-15');
