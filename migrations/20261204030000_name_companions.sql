-- Who lives at a place with the contact who is warned: by the contact's own wish, with a consent of its own, and gone when it is taken back.

alter table consent drop constraint consent_purpose_known;
alter table consent add constraint consent_purpose_known
    check (purpose in ('alerts', 'needs', 'household', 'drills', 'research'));
alter table vault_record drop constraint vault_record_purpose_known;
alter table vault_record add constraint vault_record_purpose_known
    check (purpose in ('whistleblower', 'shelter_health', 'resident_needs', 'sheltered_person', 'aid_receipt', 'resident_household'));

-- Of name and relation only the vault knows ("companion:ID"). Kinds of help are counted before an alert leaves.
create table resident_companion (
    id uuid primary key,
    resident_id uuid not null,
    label text not null,
    needs text[] not null default '{}' constraint resident_companion_needs_known
        check (needs <@ array['mobility', 'care', 'hearing', 'sight', 'pets', 'children', 'elderly']::text[]
            and cardinality(needs) <= 7),
    added_at timestamptz not null,
    constraint resident_companion_place_fkey foreign key (resident_id, label)
        references resident_place (resident_id, label) on delete cascade on update cascade
);
create index resident_companion_resident on resident_companion (resident_id, label);

-- Whoever lives with somebody who needs help is told as early as whoever needs it.
alter table resident add column household_needs boolean not null default false;

create function check_resident_companion() returns trigger language plpgsql as $$
begin
    if not coalesce((select c.given from consent c where c.resident_id = new.resident_id and c.purpose = 'household'
            order by c.id desc limit 1), false) then
        raise exception 'resident %: others are named only while the consent to it stands', new.resident_id
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger resident_companion_check before insert or update on resident_companion
    for each row execute function check_resident_companion();

create function follow_resident_companion() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        delete from vault_record where purpose = 'resident_household' and subject = 'companion:' || old.id::text;
    end if;
    update resident r set household_needs = h.needs
        from (select exists (select from resident_companion c
                  where c.resident_id = coalesce(new.resident_id, old.resident_id) and c.needs <> '{}') as needs) as h
        where r.id = coalesce(new.resident_id, old.resident_id) and r.household_needs <> h.needs;
    return null;
end $$;
create trigger resident_companion_followed after insert or update or delete on resident_companion
    for each row execute function follow_resident_companion();

-- What the vault has let go of after its day is nobody's any more.
create function forget_companion() returns trigger language plpgsql as $$
begin
    delete from resident_companion where id = substr(old.subject, length('companion:') + 1)::uuid;
    return null;
end $$;
create trigger vault_record_companion after delete on vault_record
    for each row when (old.purpose = 'resident_household') execute function forget_companion();

-- As before, and those who were named go with the consent to it.
create or replace function follow_consent() returns trigger language plpgsql as $$
begin
    if new.purpose = 'alerts' then
        update resident set alerts_withdrawn_at = case when new.given then null else new.at end
            where id = new.resident_id and alerts_withdrawn_at is distinct from case when new.given then null else new.at end;
    elsif new.purpose = 'needs' and not new.given then
        update resident set needs = '{}' where id = new.resident_id and needs <> '{}';
    elsif new.purpose = 'household' and not new.given then
        delete from resident_companion where resident_id = new.resident_id;
    end if;
    return null;
end $$;
