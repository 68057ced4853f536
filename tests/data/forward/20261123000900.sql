-- Signing in through the town's identity provider. Whoever lost every role there has none here.
update staff set roles = '{}' where username = 'fabio';
insert into oidc_subject (issuer, subject, staff_id, linked_at) values
    ('https://id.exemplo.invalid', 'sub-elisa', md5('staff elisa')::uuid, '2026-02-01T16:00:00Z');
insert into oidc_login (state_sha256, browser_sha256, nonce, pkce_verifier, next, expires_at) values
    (sha256('state'), sha256('browser'), 'nonce-1', 'verifier-1', '/console', '2026-02-01T16:10:00Z');
insert into oidc_session (token_sha256, issuer, subject, sid) values (sha256('sessao de elisa'), 'https://id.exemplo.invalid', 'sub-elisa', 'sid-1');
insert into oidc_half (token_sha256, issuer, subject, sid) values (sha256('metade'), 'https://id.exemplo.invalid', 'sub-davi', null);
insert into oidc_logout (jti_sha256, expires_at) values (sha256('jti-1'), '2026-02-01T16:30:00Z');
