-- How the feeds of other institutions do (`[[feeds]]` of the configuration), one row a feed. Whichever process takes the row
-- when it is due asks; the others leave it.
create table feed (
    name text primary key constraint feed_name_length check (length(name) between 1 and 100),
    due_at timestamptz not null,
    asked_at timestamptz,
    -- The last answer that could be read, new or not.
    answered_at timestamptz,
    -- Failures since then.
    failures integer not null default 0,
    error text not null default '',
    -- Of the last new answer.
    changed_at timestamptz,
    readings integer not null default 0,
    missing integer not null default 0,
    problems integer not null default 0,
    -- Stations in it that are none of ours.
    foreign_stations integer not null default 0,
    newest_observed_at timestamptz
);
