-- What waits and what is claimed lie in narrow tables beside the outbox, and no index of the outbox has anything in it that a
-- message's way changes: a row is claimed, sent and answered on its own page, and none of the indexes learns of it. Before, each of
-- these steps wrote an entry into every index, which was most of what sending cost.
--
-- Triggers keep both tables, within the transaction of the change, so that no writer can forget them. Nothing reads them alone: who
-- takes a row looks at the row itself.

lock table outbox, outbox_attempt in access exclusive mode;

-- Room for the versions that a claim and its end make.
alter table outbox set (fillfactor = 45);
-- The same as the word that stood in the index, in a form that a step does not change.
alter table outbox add column meant boolean generated always as (state <> 'suppressed') stored;

drop index outbox_alert_state, outbox_due, outbox_leased, outbox_one_send, outbox_passed_on, outbox_provider_message;
create unique index outbox_one_send on outbox (alert_id, channel, address) where meant;

-- Rows in state 'pending', with what a claim chooses them by.
create table outbox_queue (
    id bigint primary key,
    alert_id uuid not null,
    channel text not null,
    priority integer not null,
    next_attempt_at timestamptz not null,
    held boolean not null,
    passed_on boolean not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
create index outbox_queue_due on outbox_queue (channel, held, priority, id);
create index outbox_queue_alert on outbox_queue (alert_id, held);
-- A provider that rests looks for these alone.
create index outbox_queue_passed_on on outbox_queue (channel, priority, id) where passed_on;

-- Rows in state 'sending' with a lease, by when it ends: one entry for each statement that claimed or renewed some. It may name rows
-- that ended meanwhile, and goes when its time is over and somebody has looked.
create table outbox_lease (
    id bigint generated always as identity primary key,
    channel text not null,
    until timestamptz not null,
    ids bigint[] not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index outbox_lease_until on outbox_lease (channel, until);
-- Looking for a shorter form of it costs more than it saves: it lives for half a minute.
alter table outbox_lease alter column ids set storage external;

insert into outbox_queue (id, alert_id, channel, priority, next_attempt_at, held, passed_on)
    select id, alert_id, channel, priority, next_attempt_at, held, refused_by <> '{}' from outbox where state = 'pending';
insert into outbox_lease (channel, until, ids)
    select channel, lease_until, array_agg(id order by id) from outbox
    where state = 'sending' and lease_until is not null group by channel, lease_until;

create function queue_added() returns trigger language plpgsql as $$
begin
    insert into outbox_queue (id, alert_id, channel, priority, next_attempt_at, held, passed_on)
        select id, alert_id, channel, priority, next_attempt_at, held, refused_by <> '{}' from added where state = 'pending';
    insert into outbox_lease (channel, until, ids)
        select channel, lease_until, array_agg(id) from added
        where state = 'sending' and lease_until is not null group by channel, lease_until;
    return null;
end $$;

create function queue_moved() returns trigger language plpgsql as $$
begin
    delete from outbox_queue where id = any (array(select id from before where state = 'pending'));
    insert into outbox_queue (id, alert_id, channel, priority, next_attempt_at, held, passed_on)
        select id, alert_id, channel, priority, next_attempt_at, held, refused_by <> '{}' from after where state = 'pending';
    insert into outbox_lease (channel, until, ids)
        select channel, lease_until, array_agg(id) from after
        where state = 'sending' and lease_until is not null group by channel, lease_until;
    return null;
end $$;

-- Also what the tries of a row did by their reference, which is none any more (see below).
create function queue_removed() returns trigger language plpgsql as $$
begin
    delete from outbox_queue where id = any (array(select id from gone));
    delete from outbox_attempt where outbox_id = any (array(select id from gone));
    return null;
end $$;

create trigger outbox_queue_added after insert on outbox referencing new table as added
    for each statement execute function queue_added();
create trigger outbox_queue_moved after update on outbox referencing old table as before new table as after
    for each statement execute function queue_moved();
create trigger outbox_queue_removed after delete on outbox referencing old table as gone
    for each statement execute function queue_removed();

-- Two or more tries are written for each message, all by statements that have the row in hand, and looking it up once more for each
-- cost more than writing them.
alter table outbox_attempt drop constraint outbox_attempt_outbox_id_fkey;

-- Whether anything of the alert waits or is on its way: from the counts, which are as exact as the rows.
create function delivery_is_open(wanted uuid) returns boolean language sql stable as $$
    select coalesce(sum(rows), 0) > 0 from (
        select rows from delivery_tally where alert_id = wanted and what = 'state' and state in ('pending', 'sending')
        union all
        select rows from delivery_change where alert_id = wanted and what = 'state' and state in ('pending', 'sending')) as counted
$$;

-- Grouped as the rows are before anything is worked out from them: a statement moves hundreds of rows in two or three groups.
create or replace function count_moved_deliveries() returns trigger language plpgsql as $$
begin
    insert into delivery_change (what, alert_id, channel, provider, area_id, danger, state, cause, rows)
        select 'state', alert_id, channel, coalesce(provider, ''), coalesce(area_id, 0), danger, state,
            delivery_cause(state, reason), sum(n)
        from (select alert_id, channel, provider, area_id, row_danger(danger, priority) as danger, state, reason, count(*) as n
                from after group by 1, 2, 3, 4, 5, 6, 7
            union all select alert_id, channel, provider, area_id, row_danger(danger, priority), state, reason, -count(*)
                from before group by 1, 2, 3, 4, 5, 6, 7) as step
        group by 2, 3, 4, 5, 6, 7, 8 having sum(n) <> 0;
    insert into delivery_change (what, alert_id, channel, provider, at, first_at, rows)
        select 'pace', alert_id, channel, coalesce(provider, ''), date_trunc('second', accepted_at),
            min(accepted_at) filter (where n > 0), sum(n)
        from (select alert_id, channel, provider, accepted_at, count(*) as n from after
                where accepted_at is not null group by 1, 2, 3, 4
            union all select alert_id, channel, provider, accepted_at, -count(*) from before
                where accepted_at is not null group by 1, 2, 3, 4) as step
        group by 2, 3, 4, 5 having sum(n) <> 0;
    return null;
end $$;

-- Whether any receipt looks for its message: asked with each batch of answers.
create index delivery_receipt_waiting on delivery_receipt (provider, received_at)
    where outbox_id is null and provider_message_id <> '';
-- What was told of one message: asked for each receipt that comes, which read all of them until now.
create index delivery_receipt_row on delivery_receipt (outbox_id) where outbox_id is not null;
