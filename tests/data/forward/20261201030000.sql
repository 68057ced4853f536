-- A key that signed and was changed, and the one that signs now.
insert into signing_key (id, name, public_key, certificate, sealed, created_at, created_by, retired_at) values
    (md5('signing 1')::uuid, 'defesacivil@exemplo.invalid#0a0b0c0d', '\x3059', '\x3082', '\x0101020304050607', '2026-01-01T12:00:00Z', 'ana',
        '2026-02-12T10:00:00Z'),
    (md5('signing 2')::uuid, 'defesacivil@exemplo.invalid#1a1b1c1d', '\x3060', '\x3083', '\x0101020304050608', '2026-02-12T10:00:00Z', 'ana', null);
