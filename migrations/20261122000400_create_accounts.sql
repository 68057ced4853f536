-- Who works here, how they sign in, and the tokens of programs that act in their name.
create table staff (
    id uuid primary key,
    username text not null constraint staff_username_unique unique
        constraint staff_username_shape check (username ~ '^[a-z0-9][a-z0-9._-]{1,63}$'),
    name text not null,
    role text not null constraint staff_role_known check (role in ('viewer', 'operator', 'approver', 'coordinator', 'administrator')),
    password_hash text not null,
    language text not null default 'pt-BR',
    created_at timestamptz not null,
    disabled_at timestamptz
);

create table staff_session (
    token_sha256 bytea primary key constraint staff_session_token_length check (length(token_sha256) = 32),
    staff_id uuid not null references staff (id) on delete cascade,
    csrf_token text not null,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null
);

create table api_token (
    token_sha256 bytea primary key constraint api_token_token_length check (length(token_sha256) = 32),
    staff_id uuid not null references staff (id) on delete cascade,
    name text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    constraint api_token_name_unique unique (staff_id, name)
);
