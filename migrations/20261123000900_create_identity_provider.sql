-- Signing in through the town's identity provider (OpenID Connect).

-- Who a member of staff is over there. The pair of issuer and subject is the only thing that joins the two; never an e-mail
-- address, which whoever runs the provider could give to anybody.
create table oidc_subject (
    issuer text not null,
    subject text not null constraint oidc_subject_subject_length check (length(subject) between 1 and 255),
    staff_id uuid not null constraint oidc_subject_staff_unique unique references staff (id) on delete cascade,
    linked_at timestamptz not null,
    primary key (issuer, subject)
);

-- Sign-ins that are under way at the provider. Each works once, and only in the browser that began it.
create table oidc_login (
    state_sha256 bytea primary key constraint oidc_login_state_length check (length(state_sha256) = 32),
    browser_sha256 bytea not null constraint oidc_login_browser_length check (length(browser_sha256) = 32),
    nonce text not null,
    pkce_verifier text not null,
    next text not null,
    -- Who wants to join the account over there to their own here; null for a sign-in.
    staff_id uuid references staff (id) on delete cascade,
    expires_at timestamptz not null
);
create index oidc_login_expires on oidc_login (expires_at);

-- Which sessions the provider opened, and what it calls them: it may end them.
create table oidc_session (
    token_sha256 bytea primary key references staff_session (token_sha256) on delete cascade,
    issuer text not null,
    subject text not null,
    sid text
);
create index oidc_session_subject on oidc_session (issuer, subject);

-- Sign-ins for which the provider vouched, and whose second step is still to come here.
create table oidc_half (
    token_sha256 bytea primary key references sign_in_half (token_sha256) on delete cascade,
    issuer text not null,
    subject text not null,
    sid text
);

-- Logout tokens that were obeyed already.
create table oidc_logout (
    jti_sha256 bytea primary key constraint oidc_logout_jti_length check (length(jti_sha256) = 32),
    expires_at timestamptz not null
);

-- Whoever has lost every role at the provider has none here either.
alter table staff drop constraint staff_roles_some;
alter table staff add constraint staff_roles_some check (cardinality(roles) between 0 and 31);
