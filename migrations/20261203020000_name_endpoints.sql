-- Recipients that are no residents: addresses of other systems, sirens, channels of chats. They are told in the outbox beside the
-- residents, and accounted for like them.
create table endpoint (
    id uuid primary key,
    kind text not null constraint endpoint_kind_known check (kind in ('webhook', 'siren', 'chat')),
    name text not null constraint endpoint_name_length check (char_length(btrim(name)) between 1 and 120),
    -- Of its kind; src/endpoints/settings.rs reads it. Secrets are not in it.
    configuration jsonb not null constraint endpoint_configuration_object
        check (jsonb_typeof(configuration) = 'object' and length(configuration::text) <= 20000),
    -- Told of what comes within `reach_m` of the place; without a place, of everything in the town.
    place geometry(Point, 4326),
    reach_m integer constraint endpoint_reach_range check (reach_m between 0 and 200000),
    least_level text not null constraint endpoint_least_level_known check (least_level in ('observation', 'attention', 'alert', 'maximum')),
    -- COBRADE; empty: all.
    hazards text[] not null default '{}' constraint endpoint_hazards_few check (cardinality(hazards) <= 100),
    -- Which statuses of alerts it takes. One that does not take exercises never hears of one.
    statuses text[] not null constraint endpoint_statuses_known check (
        statuses <@ array['actual', 'exercise', 'test', 'system'] and cardinality(statuses) between 1 and 4),
    enabled boolean not null default true,
    disabled_why text not null default '' constraint endpoint_disabled_why_known check (disabled_why in ('', 'person', 'failing', 'gone')),
    -- Since when every try has failed, and how many did.
    failing_since timestamptz,
    failures integer not null default 0,
    succeeded_at timestamptz,
    revision integer not null default 1,
    created_at timestamptz not null,
    created_by text not null,
    changed_at timestamptz not null,
    retired_at timestamptz,
    constraint endpoint_place_whole check ((place is null) = (reach_m is null)),
    constraint endpoint_disabled_whole check (enabled = (disabled_why = ''))
);
create unique index endpoint_name on endpoint (lower(name)) where retired_at is null;

-- Keys that sign, and words that open foreign doors; sealed under the key ring "service". The newest signs; one that ends later
-- still signs beside it, so that a receiver can change over.
create table endpoint_secret (
    id uuid primary key,
    endpoint_id uuid not null references endpoint (id) on delete cascade,
    sealed bytea not null,
    made_at timestamptz not null,
    -- Null: until another is made.
    ends_at timestamptz
);
create index endpoint_secret_of on endpoint_secret (endpoint_id, made_at desc);

-- A row of the outbox is for one resident or for one endpoint.
alter table outbox alter column resident_id drop not null;
alter table outbox add column endpoint_id uuid references endpoint (id);
alter table outbox add constraint outbox_recipient_one check (num_nonnulls(resident_id, endpoint_id) = 1);
alter table outbox drop constraint outbox_channel_known;
alter table outbox add constraint outbox_channel_known check (channel in ('sms', 'email', 'webhook', 'siren', 'chat'));
alter table outbox add constraint outbox_channel_of_recipient check ((endpoint_id is null) = (channel in ('sms', 'email')));
alter table outbox drop constraint outbox_basis_known;
alter table outbox add constraint outbox_basis_known check (basis in ('inside', 'within_precision', 'told_before', 'joined', 'everywhere'));
create unique index outbox_endpoint_once on outbox (alert_id, endpoint_id) where endpoint_id is not null;
create index outbox_endpoint_newest on outbox (endpoint_id, id desc) where endpoint_id is not null;

-- What was sent to endpoints and what they answered, the newest thousand of each; also tests, and what was sent once more by hand.
create table endpoint_attempt (
    id bigint generated always as identity primary key,
    endpoint_id uuid not null references endpoint (id) on delete cascade,
    outbox_id bigint references outbox (id),
    cause text not null constraint endpoint_attempt_cause_known check (cause in ('delivery', 'test', 'replay')),
    -- The same for every try of one message.
    message_id text not null,
    at timestamptz not null,
    took_ms integer not null,
    outcome text not null constraint endpoint_attempt_outcome_known check (outcome in ('delivered', 'refused', 'not_sent', 'unknown')),
    -- HTTP status.
    code integer,
    -- The first bytes of what was answered.
    answer text not null default '' constraint endpoint_attempt_answer_length check (char_length(answer) <= 500),
    detail text not null default '' constraint endpoint_attempt_detail_length check (char_length(detail) <= 300),
    -- Who asked for a test or a repetition.
    asked_by text not null default ''
);
create index endpoint_attempt_of on endpoint_attempt (endpoint_id, id desc);

-- Why a row of the outbox is not sent any more: its alert was answered, or the person left the exercise. Null: it is sent.
create or replace function why_not_sent(alert_state text, alert_kind text, of_exercise uuid, of_resident uuid) returns text
language sql stable as $$
    select case
        when not alert_stands(alert_state, alert_kind) then alert_state
        when of_exercise is not null and of_resident is not null and not exists (
                select from exercise_participant p
                where p.exercise_id = of_exercise and p.resident_id = of_resident and p.left_at is null)
            then 'left_exercise' end
$$;

-- The last gate, whoever writes: what is not real reaches residents who joined its exercise, and endpoints that take its status. A
-- row that only tells why somebody is not told leaves for nobody.
create or replace function guard_unreal_messages() returns trigger language plpgsql as $$
declare
    wrong record;
begin
    select a.id, a.status, n.resident_id, n.endpoint_id into wrong
    from (select distinct alert_id from added) as d join alert a on a.id = d.alert_id and a.status <> 'actual'
        join added n on n.alert_id = a.id
    where case when n.endpoint_id is null then
            a.status <> 'exercise' or not exists (
                select from exercise_participant p
                where p.exercise_id = a.exercise_id and p.resident_id = n.resident_id and p.left_at is null)
        else n.state <> 'suppressed' and not exists (
                select from endpoint e where e.id = n.endpoint_id and a.status = any(e.statuses)) end
    limit 1;
    if found and wrong.endpoint_id is not null then
        raise exception 'alert % (%) is not for endpoint %: it does not take this status',
            wrong.id, wrong.status, wrong.endpoint_id using errcode = 'restrict_violation';
    elsif found then
        raise exception 'alert % (%) is not for resident %: it reaches only those who joined its exercise',
            wrong.id, wrong.status, wrong.resident_id using errcode = 'restrict_violation';
    end if;
    return null;
end $$;

drop trigger outbox_keep_target on outbox;
create trigger outbox_keep_target before update of alert_id, resident_id, endpoint_id, channel on outbox
    for each row when (old.alert_id <> new.alert_id or old.resident_id is distinct from new.resident_id
        or old.endpoint_id is distinct from new.endpoint_id or old.channel <> new.channel)
    execute function keep_outbox_target();

-- What an endpoint was not to be told is not sent to it later.
create function keep_endpoint_untold() returns trigger language plpgsql as $$
begin
    raise exception 'row % of the outbox was not meant for its endpoint', old.id using errcode = 'restrict_violation';
end $$;
create trigger outbox_keep_endpoint_untold before update of state on outbox
    for each row when (old.endpoint_id is not null and old.state = 'suppressed' and new.state <> 'suppressed')
    execute function keep_endpoint_untold();
