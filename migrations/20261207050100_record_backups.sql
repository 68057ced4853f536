-- Backups that were taken, and archives this database was restored from.

-- One row for each archive that was written whole. The archive itself knows nothing of its own row.
create table backup (
    id uuid primary key,
    -- The instant whose data the archive holds.
    taken_at timestamptz not null,
    finished_at timestamptz not null,
    taken_by text not null,
    -- Name of the file, without its folder.
    file text not null constraint backup_file_length check (char_length(file) between 1 and 255),
    bytes bigint not null constraint backup_bytes_positive check (bytes > 0),
    with_keys boolean not null,
    schema_version bigint not null,
    -- Newest reading and newest place of the audit in it; 0 = none.
    journal_head bigint not null,
    audit_head bigint not null,
    -- Tells whether somebody changed the archive, list of parts and all, since.
    manifest_sha256 bytea not null constraint backup_manifest_length check (length(manifest_sha256) = 32),
    constraint backup_finished_later check (finished_at >= taken_at)
);
create index backup_taken on backup (taken_at desc);
create trigger backup_append_only before update or delete or truncate on backup
    for each statement execute function refuse_rewrite();

-- While a row here is not released, this installation sends nothing: the one it was copied from may have sent it, and may still run.
create table restoration (
    id uuid primary key,
    restored_at timestamptz not null,
    restored_by text not null,
    -- Of the archive.
    taken_at timestamptz not null,
    file text not null,
    manifest_sha256 bytea not null constraint restoration_manifest_length check (length(manifest_sha256) = 32),
    -- What was ended or paused because it may have left already: {"alerts": n, "notices": n, …}.
    settled jsonb not null constraint restoration_settled_object check (jsonb_typeof(settled) = 'object'),
    released_at timestamptz,
    released_by text,
    reason text constraint restoration_reason_length check (char_length(reason) between 1 and 500),
    constraint restoration_released_whole check (num_nonnulls(released_at, released_by, reason) in (0, 3))
);
create unique index restoration_held_once on restoration ((true)) where released_at is null;
