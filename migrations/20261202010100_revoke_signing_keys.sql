-- A key that somebody else may have: it signs nothing, and its certificate is not given out any more. The row stays, because what it
-- signed stays known as signed by it.
alter table signing_key
    add column revoked_at timestamptz,
    add column revoked_by text not null default '',
    add column revoked_why text not null default ''
        constraint signing_key_revoked_why_length check (length(revoked_why) <= 500),
    add constraint signing_key_revoked_whole check ((revoked_at is null) = (revoked_by = '')),
    add constraint signing_key_revoked_retired check (revoked_at is null or retired_at is not null);

create or replace function keep_signing_key() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or (new.id, new.name, new.public_key, new.certificate, new.created_at, new.created_by)
        is distinct from (old.id, old.name, old.public_key, old.certificate, old.created_at, old.created_by)
        or (old.retired_at is not null and new.retired_at is distinct from old.retired_at)
        or (old.revoked_at is not null and (new.revoked_at, new.revoked_by, new.revoked_why)
            is distinct from (old.revoked_at, old.revoked_by, old.revoked_why)) then
        raise exception 'signing key % is kept as it is', old.name using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
