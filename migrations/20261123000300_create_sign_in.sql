-- Signing in: e-mail and second factor of a person, one-time links, half-done sign-ins, and failures that make one wait.
alter table staff add column email text constraint staff_email_shape check (email ~ '^[^@\s]+@[^@\s]+$' and length(email) <= 254);
create unique index staff_email_unique on staff (lower(email));
-- Empty while an invited person has not chosen one.
alter table staff alter column password_hash drop not null;
alter table staff add column password_changed_at timestamptz;

-- Sessions that were open are closed by this migration: they carry neither an id nor what they were opened with.
delete from staff_session;
alter table staff_session add column id uuid not null constraint staff_session_id_unique unique;
alter table staff_session add column address inet;
-- What the browser says of itself, shortened.
alter table staff_session add column agent text not null default '';
-- Whether a second factor was shown when it was opened.
alter table staff_session add column second_factor boolean not null default false;
create index staff_session_staff on staff_session (staff_id);

-- A key for one-time codes (RFC 6238), sealed under the service's key. Unconfirmed until its first code was typed.
create table staff_factor (
    staff_id uuid primary key references staff (id) on delete cascade,
    secret bytea not null,
    created_at timestamptz not null,
    confirmed_at timestamptz,
    -- The last time step whose code was accepted; only later ones are.
    last_step bigint not null default 0
);

-- For a day without the telephone. 80 random bits each, so a plain hash is enough.
create table recovery_code (
    staff_id uuid not null references staff (id) on delete cascade,
    code_sha256 bytea not null constraint recovery_code_code_length check (length(code_sha256) = 32),
    created_at timestamptz not null,
    used_at timestamptz,
    primary key (staff_id, code_sha256)
);

-- Links that work once: to accept an invitation, to choose a new password, to make the first administrator.
create table staff_link (
    token_sha256 bytea primary key constraint staff_link_token_length check (length(token_sha256) = 32),
    kind text not null constraint staff_link_kind_known check (kind in ('invitation', 'reset', 'setup')),
    staff_id uuid references staff (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint staff_link_setup_alone check ((kind = 'setup') = (staff_id is null))
);
create index staff_link_staff on staff_link (staff_id);

-- The password fitted, the second factor is still to come. No session.
create table sign_in_half (
    token_sha256 bytea primary key constraint sign_in_half_token_length check (length(token_sha256) = 32),
    staff_id uuid not null references staff (id) on delete cascade,
    expires_at timestamptz not null
);

-- A browser somebody signed in from before: strangers who guess at the account do not make it wait.
create table known_browser (
    token_sha256 bytea primary key constraint known_browser_token_length check (length(token_sha256) = 32),
    staff_id uuid not null references staff (id) on delete cascade,
    expires_at timestamptz not null
);
create index known_browser_staff on known_browser (staff_id);

-- Failed tries to sign in. Keys are hashes: what was typed as a user name may be a password.
create table sign_in_failure (
    key bytea primary key constraint sign_in_failure_key_length check (length(key) = 32),
    failures integer not null,
    last_at timestamptz not null
);
create index sign_in_failure_last on sign_in_failure (last_at);
