-- Humanitarian aid: kits of things from the ledger, and to whom they went against a signature. The signature lies sealed in the vault.
create table aid_kit (
    id uuid primary key,
    name text not null constraint aid_kit_name_length check (char_length(btrim(name)) between 1 and 120),
    -- A household gets it once within this.
    every_days integer not null constraint aid_kit_every_days_range check (every_days between 1 and 366),
    created_at timestamptz not null,
    created_by text not null,
    retired_at timestamptz
);
create unique index aid_kit_name_unique on aid_kit (lower(btrim(name))) where retired_at is null;
create table aid_kit_item (
    kit_id uuid not null references aid_kit (id),
    item_id uuid not null references supply_item (id),
    amount integer not null constraint aid_kit_item_amount_range check (amount between 1 and 10000),
    primary key (kit_id, item_id)
);

create table aid_delivery (
    id uuid primary key,
    kit_id uuid not null references aid_kit (id),
    household_id uuid not null references household (id),
    place_id uuid not null references stock_place (id),
    incident_id uuid not null references incident (id),
    at timestamptz not null,
    actor text not null,
    -- Until when the household has had it.
    until_at timestamptz not null,
    proof text not null constraint aid_delivery_proof_known check (proof in ('signature', 'witness')),
    -- Who let it be given again within its time, and why.
    override_by text,
    override_reason text not null default '' constraint aid_delivery_override_reason_length check (char_length(override_reason) <= 500),
    constraint aid_delivery_span check (until_at > at),
    constraint aid_delivery_override_whole check ((override_by is null) = (btrim(override_reason) = ''))
);
create index aid_delivery_household on aid_delivery (household_id, kit_id, at);
create index aid_delivery_at on aid_delivery (at);
create trigger aid_delivery_append_only before update or delete on aid_delivery for each row execute function refuse_rewriting();
create function refuse_second_delivery() returns trigger language plpgsql as $$
begin
    -- Two hands at two tables: the second waits for the first to commit, and then sees it.
    perform pg_advisory_xact_lock(hashtextextended('aid ' || new.household_id || new.kit_id, 0));
    if new.override_by is null and exists (select from aid_delivery d
        where d.household_id = new.household_id and d.kit_id = new.kit_id and d.until_at > new.at and d.at <= new.at) then
        raise exception 'aid_delivery_once_within_its_days: the household has had this kit'
            using errcode = 'check_violation', constraint = 'aid_delivery_once_within_its_days';
    end if;
    return new;
end $$;
create trigger aid_delivery_once_within_its_days before insert on aid_delivery for each row execute function refuse_second_delivery();
