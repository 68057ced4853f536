-- Keys that sign the messages. The private ones are sealed under a key that is not in the database; the public ones and their
-- certificates stay for ever, because what they signed is verified with them.
create table signing_key (
    id uuid primary key,
    name text not null constraint signing_key_name_unique unique,
    public_key bytea not null,
    certificate bytea not null,
    sealed bytea not null constraint signing_key_sealed_whole check (octet_length(sealed) > 0),
    created_at timestamptz not null,
    created_by text not null,
    -- Since when it signs nothing any more.
    retired_at timestamptz
);
-- One key signs at a time.
create unique index signing_key_one_active on signing_key ((retired_at is null)) where retired_at is null;

create function keep_signing_key() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or (new.id, new.name, new.public_key, new.certificate, new.created_at, new.created_by)
        is distinct from (old.id, old.name, old.public_key, old.certificate, old.created_at, old.created_by)
        or (old.retired_at is not null and new.retired_at is distinct from old.retired_at) then
        raise exception 'signing key % is kept as it is', old.name using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger signing_key_keep before update or delete on signing_key for each row execute function keep_signing_key();

-- The archive of the feeds is read in the order of issue.
create index alert_issued_in_order on alert (issued_at, id) where cap_xml is not null;
