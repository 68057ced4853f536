-- One person in each of the roles of then, an open session, a token of a program.
insert into staff (id, username, name, role, password_hash, created_at, disabled_at)
select md5('staff ' || s.username)::uuid, s.username, s.name, s.role,
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsLWRlLXRlc3Rl$bmFvLWFicmUtbmFkYS1uYW8tYWJyZS1uYWRhLW5hbw', '2025-11-03T12:00:00Z', s.disabled_at
from (values ('ana', 'Ana Prado', 'administrator', null::timestamptz), ('bia', 'Bia Lima', 'viewer', null), ('caio', 'Caio Souza', 'operator', null),
    ('davi', 'Davi Rocha', 'approver', null),
    ('elisa', 'Elisa Maia', 'coordinator', null),
    ('fabio', 'Fábio Reis', 'operator', '2026-01-15T18:00:00Z')) s (username, name, role, disabled_at);
insert into staff_session (token_sha256, staff_id, csrf_token, created_at, last_used_at, expires_at) values
    (sha256('sessao de caio'), md5('staff caio')::uuid, 'csrf-caio', '2026-02-01T00:00:00Z', '2026-02-01T00:40:00Z', '2026-02-01T12:00:00Z');
insert into api_token (token_sha256, staff_id, name, created_at, expires_at) values
    (sha256('sen_token-do-painel'), md5('staff ana')::uuid, 'painel da sala de situação', '2025-12-01T12:00:00Z', '2027-12-01T12:00:00Z');
