-- Pause, resume and cancel what is unsent of one alert. An alert without a row here runs.

create table dispatch_control (
    alert_id uuid primary key references alert (id),
    control text not null constraint dispatch_control_known check (control in ('running', 'paused', 'cancelled')),
    since timestamptz not null,
    by text not null,
    reason text not null,
    -- Staff were told that it is paused.
    paged_at timestamptz,
    -- Rows may still be held although it runs again: they are let go some thousands at a time.
    holding boolean not null default false,
    -- Nothing of it can move any more.
    closed_at timestamptz
);
-- The dispatchers ask with each claim.
create index dispatch_control_stopped on dispatch_control (alert_id) where control <> 'running' and closed_at is null;

-- Each act, for good.
create table dispatch_act (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id),
    at timestamptz not null,
    act text not null constraint dispatch_act_known check (act in ('pause', 'resume', 'cancel')),
    actor text not null,
    reason text not null,
    -- Rows that waited, and rows that were on their way and cannot be called back, when it was done.
    waiting bigint not null,
    under_way bigint not null
);
create index dispatch_act_alert on dispatch_act (alert_id, id);
create trigger dispatch_act_append_only before update or delete or truncate on dispatch_act
    for each statement execute function refuse_rewrite();

-- Rows of a paused alert wait beside the queue and not in it: a claim never walks over them.
alter table outbox add column held boolean not null default false;
drop index outbox_due;
create index outbox_due on outbox (channel, held, priority, id) where state = 'pending';
