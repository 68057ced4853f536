-- Aid that is exercised takes nothing out of the stock, counts for nothing, and is no kit that a family has had.
alter table aid_delivery add column drill boolean not null default false;
alter table aid_delivery disable trigger aid_delivery_append_only;
update aid_delivery set drill = true where incident_is_drill(incident_id);
alter table aid_delivery enable trigger aid_delivery_append_only;

-- Whoever writes: what is exercised never stands among what was given.
create function guard_aid_drill() returns trigger language plpgsql as $$
begin
    if new.drill is distinct from incident_is_drill(new.incident_id) then
        raise exception 'aid_delivery_drill: a delivery of an exercise for what happens, or the other way round'
            using errcode = 'check_violation', constraint = 'aid_delivery_drill';
    end if;
    return new;
end $$;
create trigger aid_delivery_guard_drill before insert on aid_delivery for each row execute function guard_aid_drill();

create or replace function refuse_second_delivery() returns trigger language plpgsql as $$
begin
    -- Two hands at two tables: the second waits for the first to commit, and then sees it.
    perform pg_advisory_xact_lock(hashtextextended('aid ' || new.household_id || new.kit_id, 0));
    if new.override_by is null and exists (select from aid_delivery d
        where d.household_id = new.household_id and d.kit_id = new.kit_id and d.drill = new.drill and d.until_at > new.at and d.at <= new.at) then
        raise exception 'aid_delivery_once_within_its_days: the household has had this kit'
            using errcode = 'check_violation', constraint = 'aid_delivery_once_within_its_days';
    end if;
    return new;
end $$;

-- What leaves the stock in a kit names its delivery, from now on; and no delivery of an exercise takes anything.
alter table supply_entry
    add column delivery_id uuid references aid_delivery (id),
    add constraint supply_entry_delivery_kind check (delivery_id is null or kind = 'delivered');
create index supply_entry_delivery on supply_entry (delivery_id) where delivery_id is not null;
create function guard_delivered_supply() returns trigger language plpgsql as $$
declare
    exercised boolean;
begin
    select d.drill into exercised from aid_delivery d where d.id = new.delivery_id;
    if not found then
        raise exception 'supply_entry_delivery_named: what is delivered names its delivery'
            using errcode = 'check_violation', constraint = 'supply_entry_delivery_named';
    elsif exercised then
        raise exception 'supply_entry_delivery_real: a delivery of an exercise takes nothing out of the stock'
            using errcode = 'check_violation', constraint = 'supply_entry_delivery_real';
    end if;
    return new;
end $$;
create trigger supply_entry_guard_delivered before insert on supply_entry
    for each row when (new.kind = 'delivered') execute function guard_delivered_supply();
