-- The key that was changed turned out to be known to others.
update signing_key set revoked_at = '2026-02-12T20:00:00Z', revoked_by = 'ana', revoked_why = 'cópia achada num pen drive'
    where name like '%#0a0b0c0d';
