-- What people attach to their work: photographs of incidents now. Belongs to exactly one thing; reports get a column of their
-- own beside `incident_id` when they come, so that a foreign key holds either way.
--
-- The bytes are those this service wrote (see src/media.rs); the name that the file had is not kept at all. Nothing is changed
-- but one thing: a removal, with who and why, empties the bytes and leaves the row.
create table attachment (
    id uuid primary key,
    -- Photographs sent together keep their order.
    seq bigint generated always as identity,
    kind text not null constraint attachment_kind_known check (kind in ('photograph')),
    incident_id uuid references incident (id),
    media_type text not null constraint attachment_media_type_known check (media_type in ('image/jpeg')),
    -- Of the content as it was stored; stays after a removal.
    sha256 bytea not null constraint attachment_sha256_length check (length(sha256) = 32),
    bytes integer not null constraint attachment_bytes_positive check (bytes > 0),
    width integer not null constraint attachment_width_positive check (width > 0),
    height integer not null constraint attachment_height_positive check (height > 0),
    caption text not null constraint attachment_caption_length check (char_length(caption) <= 300),
    content bytea,
    thumbnail bytea,
    uploaded_by text not null,
    created_at timestamptz not null,
    removed_at timestamptz,
    removed_by text,
    removed_reason text,
    constraint attachment_belongs check (num_nonnulls(incident_id) = 1),
    constraint attachment_removed_whole check (
        case when removed_at is null
            then content is not null and thumbnail is not null and num_nulls(removed_by, removed_reason) = 2
            else content is null and thumbnail is null and num_nulls(removed_by, removed_reason) = 0 end)
);
-- JPEG does not shrink further; compressing it again would cost time for nothing.
alter table attachment alter column content set storage external, alter column thumbnail set storage external;
create index attachment_incident on attachment (incident_id, seq);
-- The same picture sent twice (a retry over a bad line, a page sent again) is kept once.
create unique index attachment_incident_content on attachment (incident_id, sha256) where removed_at is null;

create function keep_attachment() returns trigger language plpgsql as $$
begin
    if old.removed_at is not null or new.removed_at is null
        or (new.id, new.seq, new.kind, new.incident_id, new.media_type, new.sha256, new.bytes, new.width, new.height, new.caption,
            new.uploaded_by, new.created_at)
        is distinct from (old.id, old.seq, old.kind, old.incident_id, old.media_type, old.sha256, old.bytes, old.width, old.height,
            old.caption, old.uploaded_by, old.created_at) then
        raise exception 'attachment only allows a removal' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger attachment_only_removed before update on attachment for each row execute function keep_attachment();
create trigger attachment_append_only before delete or truncate on attachment
    for each statement execute function refuse_rewrite();
