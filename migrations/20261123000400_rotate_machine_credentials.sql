-- Machines: API tokens with scopes, and secrets of tokens and devices that can be changed without an outage: the old one
-- lives on beside the new one for a while.

alter table api_token add column id uuid not null default gen_random_uuid();
alter table api_token add constraint api_token_id_unique unique (id);
-- The beginning of the token, so that one that turns up somewhere can be told; not enough to guess the rest.
alter table api_token add column prefix text not null default '';
-- Permissions it may use of those its owner has. Null, as of tokens made before scopes existed: all of them.
alter table api_token add column scopes text[];
alter table api_token add column rotated_at timestamptz;
alter table api_token add column last_used_at timestamptz;
alter table api_token add column last_address inet;
-- The secret before the last rotation.
alter table api_token add column previous_sha256 bytea constraint api_token_previous_length check (length(previous_sha256) = 32);
alter table api_token add column previous_prefix text not null default '';
alter table api_token add column previous_ends_at timestamptz;
alter table api_token add column previous_used_at timestamptz;
alter table api_token add constraint api_token_previous_whole check ((previous_sha256 is null) = (previous_ends_at is null));
create unique index api_token_previous on api_token (previous_sha256) where previous_sha256 is not null;

alter table device add column secret_made_at timestamptz;
-- Null: the device has not shown it yet.
alter table device add column secret_first_used_at timestamptz;
alter table device add column secret_used_at timestamptz;
-- The secret before the last rotation. It ends `previous_grace_s` after the first use of the new one.
alter table device add column previous_sha256 bytea constraint device_previous_length check (length(previous_sha256) = 32);
alter table device add column previous_grace_s integer constraint device_previous_grace_positive check (previous_grace_s >= 0);
alter table device add column previous_ends_at timestamptz;
alter table device add column previous_used_at timestamptz;
alter table device add constraint device_previous_whole check ((previous_sha256 is null) = (previous_grace_s is null));

-- Client certificates by which devices sign in over TLS. A device may have several, so that one can be exchanged.
create table device_certificate (
    id uuid primary key,
    device_id bigint not null references device (id) on delete cascade,
    -- SHA-256 over the whole certificate in DER.
    sha256 bytea not null constraint device_certificate_unique unique
        constraint device_certificate_length check (length(sha256) = 32),
    common_name text not null default '',
    not_after timestamptz not null,
    created_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index device_certificate_device on device_certificate (device_id);
