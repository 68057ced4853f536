-- A large audience is worked out once and then moved into the outbox some thousands at a time, so that messages leave while the rest is
-- being written. What was not moved when a server died is worked out anew, and what is there already stays as it is: so this need not
-- be logged.
create unlogged table spread_recipient (
    alert_id uuid not null,
    -- In the order in which they are to be told.
    n bigint not null,
    resident_id uuid not null,
    channel text not null,
    address text not null,
    language text not null,
    area_id bigint,
    danger integer not null,
    basis text not null,
    reason text not null,
    needs boolean not null,
    primary key (alert_id, n)
);
create index spread_recipient_resident on spread_recipient (resident_id);
