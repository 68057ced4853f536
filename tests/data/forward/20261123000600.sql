-- Keys that were exchanged since (no service needs them to start), and what lies sealed of a resident.
insert into key_check (keyring, key_id, sealed, created_at, retired_at) values
    ('service', '\x0102030405060708', '\x010102030405060708aa', '2025-11-03T12:00:00Z', '2026-02-01T12:00:00Z'),
    ('vault', '\x1112131415161718', '\x011112131415161718bb', '2025-11-03T12:00:00Z', '2026-02-01T12:00:00Z');
insert into vault_record (id, purpose, subject, sealed, created_by, created_at, keep_until) values
    (md5('vault needs joana')::uuid, 'resident_needs', 'resident:' || md5('resident joana')::uuid, '\x011112131415161718cc', 'caio',
        '2026-02-01T12:10:00Z', '2031-02-01');
