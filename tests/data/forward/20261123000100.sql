-- A person of the new kind, with several roles.
insert into staff (id, username, name, roles, password_hash, created_at) values
    (md5('staff gil')::uuid, 'gil', 'Gil Torres', '{operator,auditor,privacy_officer}',
        '$argon2id$v=19$m=19456,t=2,p=1$c2FsLWRlLXRlc3Rl$bmFvLWFicmUtbmFkYS1uYW8tYWJyZS1uYWRhLW5hbw', '2026-02-01T08:00:00Z');
