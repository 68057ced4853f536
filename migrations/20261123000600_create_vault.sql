-- Which keys this database needs: each opened its value once. A service that does not hold them refuses to start, rather than
-- make new ones beside data that nobody could read any more.
create table key_check (
    keyring text not null constraint key_check_keyring_known check (keyring in ('service', 'vault')),
    key_id bytea not null constraint key_check_key_id_length check (length(key_id) = 8),
    sealed bytea not null,
    created_at timestamptz not null,
    -- Set when nothing is sealed under it any more.
    retired_at timestamptz,
    primary key (keyring, key_id)
);

-- What only a few may read, and nobody who merely holds the database: who reported a wrong, health in a shelter, what a
-- resident needs. Sealed under the key ring "vault", with purpose, subject and id as associated data.
create table vault_record (
    id uuid primary key,
    purpose text not null constraint vault_record_purpose_known check (purpose in ('whistleblower', 'shelter_health', 'resident_needs')),
    -- Kind and id of what it belongs to, e.g. "resident:<uuid>".
    subject text not null constraint vault_record_subject_shape check (subject ~ '^[a-z_]{1,40}:[A-Za-z0-9._-]{1,80}$'),
    sealed bytea not null,
    -- Who put it in: a staff user name, or "resident".
    created_by text not null,
    created_at timestamptz not null,
    -- Removed after this day.
    keep_until date not null,
    constraint vault_record_subject_unique unique (purpose, subject)
);
create index vault_record_keep_until on vault_record (keep_until);
