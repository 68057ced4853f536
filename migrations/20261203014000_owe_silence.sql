-- A siren that began to sound without a command of ours has no sound of ours whose end would silence it, and a silence that failed is
-- sent again: when that is due, and how often silence failed since the siren was last heard to be silent. A line goes with its siren,
-- whose table is made later.
create table siren_owed (
    endpoint_id uuid primary key,
    silence_at timestamptz,
    failures integer not null constraint siren_owed_failures_range check (failures between 0 and 1000000)
);
