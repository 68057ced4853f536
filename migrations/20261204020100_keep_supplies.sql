-- Supplies: one ledger over all places, of shelters and of depots. Entries are appended; what lies where is their sum and is never negative.
create table stock_place (
    -- That of the shelter, where it is one's own.
    id uuid primary key,
    name text not null constraint stock_place_name_length check (char_length(btrim(name)) between 1 and 160),
    shelter_id uuid constraint stock_place_shelter_unique unique references shelter (id),
    created_at timestamptz not null,
    constraint stock_place_same_id check (shelter_id = id)
);
create table supply_item (
    id uuid primary key,
    name text not null constraint supply_item_name_length check (char_length(btrim(name)) between 1 and 120),
    -- What one of it is: "unidade", "kg", "litro", "cesta".
    unit text not null constraint supply_item_unit_length check (char_length(btrim(unit)) between 1 and 30),
    created_at timestamptz not null
);
create unique index supply_item_name_unique on supply_item (lower(btrim(name)));

create table supply_entry (
    id bigint generated always as identity primary key,
    place_id uuid not null references stock_place (id),
    item_id uuid not null references supply_item (id),
    at timestamptz not null,
    actor text not null,
    kind text not null constraint supply_entry_kind_known check (kind in ('received', 'donated', 'used', 'moved_in', 'moved_out', 'delivered', 'lost', 'found')),
    -- In the item's unit; what leaves is negative.
    amount integer not null constraint supply_entry_amount_range check (amount <> 0 and abs(amount) <= 1000000),
    -- The same of both halves of a move.
    move_id uuid,
    reason text not null default '' constraint supply_entry_reason_length check (char_length(reason) <= 300),
    constraint supply_entry_sign check ((amount > 0) = (kind in ('received', 'donated', 'moved_in', 'found'))),
    constraint supply_entry_move_whole check ((move_id is not null) = (kind in ('moved_in', 'moved_out')))
);
create index supply_entry_place on supply_entry (place_id, id);
create index supply_entry_item on supply_entry (item_id, id);
create trigger supply_entry_append_only before update or delete on supply_entry for each row execute function refuse_rewriting();

create table supply_stock (
    place_id uuid not null references stock_place (id),
    item_id uuid not null references supply_item (id),
    amount integer not null constraint supply_stock_amount_never_negative check (amount >= 0),
    primary key (place_id, item_id)
);
create function count_supply() returns trigger language plpgsql as $$
begin
    -- A check is held against the row that is to be inserted, also where another one is updated instead; so first the row, then the sum.
    insert into supply_stock (place_id, item_id, amount) values (new.place_id, new.item_id, 0) on conflict do nothing;
    update supply_stock set amount = amount + new.amount where place_id = new.place_id and item_id = new.item_id;
    return null;
end $$;
create trigger supply_entry_counted after insert on supply_entry for each row execute function count_supply();

-- What a place needs, and what was promised and came.
create table supply_need (
    id uuid primary key,
    place_id uuid not null references stock_place (id),
    item_id uuid not null references supply_item (id),
    wanted integer not null constraint supply_need_wanted_range check (wanted between 1 and 1000000),
    received integer not null default 0 constraint supply_need_received_range check (received between 0 and 2000000),
    priority text not null constraint supply_need_priority_known check (priority in ('urgent', 'high', 'usual')),
    -- Whether the public is asked for it.
    public boolean not null default true,
    note text not null default '' constraint supply_need_note_length check (char_length(note) <= 300),
    opened_at timestamptz not null,
    opened_by text not null,
    closed_at timestamptz,
    closed_by text,
    closed_reason text not null default '' constraint supply_need_closed_reason_length check (char_length(closed_reason) <= 300),
    constraint supply_need_closed_whole check ((closed_at is null) = (closed_by is null))
);
create unique index supply_need_one on supply_need (place_id, item_id) where closed_at is null;

create table supply_promise (
    id uuid primary key,
    need_id uuid not null references supply_need (id),
    amount integer not null constraint supply_promise_amount_range check (amount between 1 and 1000000),
    -- An organisation or a person, as they want to be called.
    donor text not null default '' constraint supply_promise_donor_length check (char_length(donor) <= 120),
    promised_at timestamptz not null,
    promised_by text not null,
    state text not null default 'promised' constraint supply_promise_state_known check (state in ('promised', 'received', 'withdrawn')),
    received integer constraint supply_promise_received_range check (received between 1 and 1000000),
    ended_at timestamptz,
    ended_by text,
    constraint supply_promise_ended_whole check ((state = 'promised') = (ended_at is null) and (ended_at is null) = (ended_by is null)),
    constraint supply_promise_received_whole check ((state = 'received') = (received is not null))
);
create index supply_promise_need on supply_promise (need_id);
