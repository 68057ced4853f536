-- A backup that was taken, and an archive that this database came from, which was let send again.
insert into backup (id, taken_at, finished_at, taken_by, file, bytes, with_keys, schema_version, journal_head, audit_head, manifest_sha256)
    select md5('backup 1')::uuid, '2026-02-17T16:00:00Z', '2026-02-17T16:01:00Z', 'ana', 'sentinela-2026-02-17.zip', 1048576, false, 20261207050100,
        8, max(seq), sha256('manifesto')
    from audit_chain;
insert into restoration (id, restored_at, restored_by, taken_at, file, manifest_sha256, settled, released_at, released_by, reason) values
    (md5('restoration 1')::uuid, '2026-01-02T12:00:00Z', 'ana', '2026-01-01T12:00:00Z', 'sentinela-2026-01-01.zip', sha256('manifesto de janeiro'),
        '{"alerts": 0, "notices": 1}', '2026-01-02T13:00:00Z', 'ana', 'servidor antigo desligado');
