-- Signing in with e-mail and second factor: whoever had a session signed in again.
update staff set email = username || '@exemplo.invalid', password_changed_at = '2026-02-01T09:00:00Z' where username in ('ana', 'davi', 'elisa');
insert into staff_session (token_sha256, staff_id, csrf_token, created_at, last_used_at, expires_at, id, address, agent, second_factor) values
    (sha256('sessao de elisa'), md5('staff elisa')::uuid, 'csrf-elisa', '2026-02-01T09:05:00Z', '2026-02-01T09:05:00Z', '2026-02-01T21:05:00Z',
        md5('session elisa')::uuid, '192.0.2.11', 'Firefox 140, Linux', true);
insert into staff_factor (staff_id, secret, created_at, confirmed_at, last_step) values
    (md5('staff elisa')::uuid, '\x01c0ffee', '2026-02-01T09:03:00Z', '2026-02-01T09:04:00Z', 58997162),
    (md5('staff davi')::uuid, '\x01c0ffed', '2026-02-01T09:10:00Z', null, 0);
insert into recovery_code (staff_id, code_sha256, created_at, used_at) values
    (md5('staff elisa')::uuid, sha256('codigo um'), '2026-02-01T09:04:00Z', null),
    (md5('staff elisa')::uuid, sha256('codigo dois'), '2026-02-01T09:04:00Z', '2026-02-02T09:04:00Z');
insert into staff_link (token_sha256, kind, staff_id, created_at, expires_at, used_at) values
    (sha256('convite'), 'invitation', md5('staff gil')::uuid, '2026-02-01T09:00:00Z', '2026-02-04T09:00:00Z', null),
    (sha256('primeira'), 'setup', null, '2025-11-03T12:00:00Z', '2025-11-04T12:00:00Z', '2025-11-03T12:01:00Z');
insert into sign_in_half (token_sha256, staff_id, expires_at) values (sha256('metade'), md5('staff davi')::uuid, '2026-02-01T09:20:00Z');
insert into known_browser (token_sha256, staff_id, expires_at) values (sha256('navegador'), md5('staff elisa')::uuid, '2026-08-01T09:05:00Z');
insert into sign_in_failure (key, failures, last_at) values (sha256('quem errou'), 3, '2026-02-01T08:05:00Z');
