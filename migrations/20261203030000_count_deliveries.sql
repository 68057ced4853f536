-- How the messages of an alert fare, counted while they move: a page that ten people watch reads some hundred rows and not the
-- outbox. Triggers append what changed, within the transaction of the change, so no writer can forget to count and none waits for
-- another's count; the dispatcher folds the changes into the sums. What is read is always both.

-- What others send meanwhile would be counted neither below nor by the triggers.
lock table outbox, outbox_attempt in share row exclusive mode;

-- 0 = R4 … 3 = R1, 4 = no grade. Rows of before have it in their priority, which may come to hold more than that.
alter table outbox add column danger smallint;
create function row_danger(danger smallint, priority integer) returns integer language sql immutable as $$
    select coalesce(danger, priority % 10)
$$;

-- In few words, of which there are not many: what keeps a row from its reader.
create function delivery_cause(state text, reason text) returns text language sql immutable as $$
    select case
        when state = 'suppressed' then left(reason, 40)
        when state not in ('rejected', 'undelivered', 'expired', 'unknown') or reason = '' then ''
        when reason ~ '^(smpp|smtp|http) ' then left(split_part(reason, ' ', 1) || ' ' || split_part(reason, ' ', 2), 40)
        when reason like 'receipt:%' then 'receipt'
        when reason = 'the alert expired' then 'expired'
        else 'no_answer' end
$$;

-- `what`: 'state' counts rows of the outbox as they are, 'repeat' messages that were sent again because nobody knew whether the
-- copy before had left. Area 0: none. `danger`: 0 = R4 … 3 = R1, 4 = no grade.
create table delivery_tally (
    alert_id uuid not null references alert (id),
    what text not null constraint delivery_tally_what_known check (what in ('state', 'repeat')),
    channel text not null,
    provider text not null,
    area_id bigint not null,
    danger integer not null,
    state text not null,
    cause text not null,
    rows bigint not null,
    primary key (alert_id, what, channel, provider, area_id, danger, state, cause)
);

-- How many a provider took in each second, and exactly when it took the first of them.
create table delivery_pace (
    alert_id uuid not null references alert (id),
    channel text not null,
    provider text not null,
    at timestamptz not null,
    rows bigint not null,
    first_at timestamptz,
    primary key (alert_id, channel, provider, at)
);

-- What was not folded yet. `what` 'pace' has `at`, the others have not.
create table delivery_change (
    id bigint generated always as identity primary key,
    alert_id uuid not null,
    what text not null,
    channel text not null,
    provider text not null,
    area_id bigint not null default 0,
    danger integer not null default 0,
    state text not null default '',
    cause text not null default '',
    at timestamptz,
    first_at timestamptz,
    rows bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create index delivery_change_alert on delivery_change (alert_id);

insert into delivery_tally
    select alert_id, 'state', channel, coalesce(provider, ''), coalesce(area_id, 0), row_danger(danger, priority), state,
        delivery_cause(state, reason), count(*)
    from outbox group by 1, 2, 3, 4, 5, 6, 7, 8;
insert into delivery_pace
    select alert_id, channel, coalesce(provider, ''), date_trunc('second', accepted_at), count(*), min(accepted_at)
    from outbox where accepted_at is not null group by 1, 2, 3, 4;

create function count_added_deliveries() returns trigger language plpgsql as $$
begin
    insert into delivery_change (what, alert_id, channel, provider, area_id, danger, state, cause, rows)
        select 'state', alert_id, channel, coalesce(provider, ''), coalesce(area_id, 0), row_danger(danger, priority), state,
            delivery_cause(state, reason), count(*)
        from added group by 2, 3, 4, 5, 6, 7, 8;
    insert into delivery_change (what, alert_id, channel, provider, at, first_at, rows)
        select 'pace', alert_id, channel, coalesce(provider, ''), date_trunc('second', accepted_at), min(accepted_at), count(*)
        from added where accepted_at is not null group by 2, 3, 4, 5;
    return null;
end $$;

-- The rows as they are less the rows as they were: what did not change cancels out.
create function count_moved_deliveries() returns trigger language plpgsql as $$
begin
    insert into delivery_change (what, alert_id, channel, provider, area_id, danger, state, cause, rows)
        select 'state', alert_id, channel, coalesce(provider, ''), coalesce(area_id, 0), row_danger(danger, priority), state,
            delivery_cause(state, reason), sum(n)
        from (select alert_id, channel, provider, area_id, danger, priority, state, reason, 1 as n from after
            union all select alert_id, channel, provider, area_id, danger, priority, state, reason, -1 from before) as step
        group by 2, 3, 4, 5, 6, 7, 8 having sum(n) <> 0;
    insert into delivery_change (what, alert_id, channel, provider, at, first_at, rows)
        select 'pace', alert_id, channel, coalesce(provider, ''), date_trunc('second', accepted_at),
            min(accepted_at) filter (where n > 0), sum(n)
        from (select alert_id, channel, provider, accepted_at, 1 as n from after where accepted_at is not null
            union all select alert_id, channel, provider, accepted_at, -1 from before where accepted_at is not null) as step
        group by 2, 3, 4, 5 having sum(n) <> 0;
    return null;
end $$;

create function count_repeated_deliveries() returns trigger language plpgsql as $$
begin
    -- A first try repeats nothing, and nearly all are first tries.
    if exists (select from tried where attempt > 1 and outcome in ('accepted', 'delivered', 'unknown')) then
        insert into delivery_change (what, alert_id, channel, provider, area_id, danger, rows)
            select 'repeat', o.alert_id, o.channel, t.provider, coalesce(o.area_id, 0), row_danger(o.danger, o.priority),
                count(distinct (t.outbox_id, t.attempt))
            from tried t join outbox o on o.id = t.outbox_id
            where t.attempt > 1 and t.outcome in ('accepted', 'delivered', 'unknown')
                and exists (select from outbox_attempt b
                    where b.outbox_id = t.outbox_id and b.attempt < t.attempt and b.outcome = 'unknown')
            group by 2, 3, 4, 5, 6;
    end if;
    return null;
end $$;

create trigger outbox_count_added after insert on outbox referencing new table as added
    for each statement execute function count_added_deliveries();
create trigger outbox_count_moved after update on outbox referencing old table as before new table as after
    for each statement execute function count_moved_deliveries();
create trigger outbox_attempt_count_repeated after insert on outbox_attempt referencing new table as tried
    for each statement execute function count_repeated_deliveries();

-- Residents inside whom no channel reaches: somebody has to go there.
create table dispatch_unreachable (
    alert_id uuid not null references alert (id),
    resident_id uuid not null references resident (id),
    area_id bigint references risk_area (id),
    primary key (alert_id, resident_id)
);

-- What was sent to one resident, also of a large outbox.
create index outbox_resident on outbox (resident_id, id);
