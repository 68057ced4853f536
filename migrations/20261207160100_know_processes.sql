-- The processes that share this database, as each says of itself at every look: so that all of them know which parts of the work are done
-- somewhere, and whether any of them holds readings that are not kept. One row for each start; those that are gone are removed after a day.
create table service_process (
    id uuid primary key,
    node text not null,
    roles text[] not null constraint service_process_roles_some check (cardinality(roles) > 0),
    -- By the database's clock.
    started_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null,
    -- For how long it had held readings without a commit when it was seen, seconds; 0 = it held none.
    holding_s double precision not null constraint service_process_holding_positive check (holding_s >= 0)
);
