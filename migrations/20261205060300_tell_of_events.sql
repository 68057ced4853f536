-- Webhooks that ask for it hear of incidents and occurrences as well as of alerts. Written in the transaction of the change, sent after
-- everything an alert says.
create table endpoint_event (
    id bigint generated always as identity primary key,
    endpoint_id uuid not null references endpoint (id) on delete cascade,
    event text not null constraint endpoint_event_event_known check (event in ('incident.opened', 'incident.changed', 'incident.closed',
        'incident.reopened', 'occurrence.received', 'occurrence.changed')),
    -- The incident or the occurrence.
    subject_id uuid not null,
    at timestamptz not null,
    -- As it stood: nothing of people, no address, no exact place.
    payload jsonb not null constraint endpoint_event_payload_object
        check (jsonb_typeof(payload) = 'object' and jsonb_typeof(payload -> 'drill') = 'boolean' and length(payload::text) <= 8000),
    state text not null default 'waiting' constraint endpoint_event_state_known check (state in ('waiting', 'delivered', 'given_up', 'endpoint_off')),
    -- Tries so far.
    attempt integer not null default 0,
    -- Null: at once.
    next_attempt_at timestamptz,
    -- While a try is under way.
    leased_until timestamptz,
    expires_at timestamptz not null,
    -- What the last try said, or why it ended.
    reason text not null default '' constraint endpoint_event_reason_length check (char_length(reason) <= 400),
    ended_at timestamptz,
    constraint endpoint_event_ended_whole check ((state = 'waiting') = (ended_at is null)),
    constraint endpoint_event_lease_waits check (leased_until is null or state = 'waiting'),
    constraint endpoint_event_life_span check (expires_at > at)
);
create index endpoint_event_waiting on endpoint_event (endpoint_id, id) where state = 'waiting';
create index endpoint_event_dying on endpoint_event (expires_at) where state = 'waiting';
create index endpoint_event_leased on endpoint_event (leased_until) where leased_until is not null;
create index endpoint_event_newest on endpoint_event (endpoint_id, id desc);
create index endpoint_event_subject on endpoint_event (subject_id, endpoint_id, id desc);
create index endpoint_event_ended on endpoint_event (ended_at) where ended_at is not null;

-- Whoever asks for events. Hardly ever more than a few.
create index endpoint_asks_for_events on endpoint (id)
    where kind = 'webhook' and enabled and retired_at is null and configuration -> 'events' <> '[]';

-- One row for each webhook that asks for the topic and, of an exercise, takes those. What it was told last of the subject is not told again.
create function tell_of_event(topic text, what text, subject uuid, told jsonb) returns void language plpgsql as $$
begin
    insert into endpoint_event (endpoint_id, event, subject_id, at, payload, expires_at)
    select e.id, what, subject, clock_timestamp(), told, clock_timestamp() + interval '1 day'
    from endpoint e
    where e.kind = 'webhook' and e.enabled and e.retired_at is null and e.configuration -> 'events' <> '[]'
        and e.configuration -> 'events' ? topic and (case when (told ->> 'drill')::boolean then 'exercise' else 'actual' end) = any(e.statuses)
        and told is distinct from (select b.payload from endpoint_event b
            where b.endpoint_id = e.id and b.subject_id = subject order by b.id desc limit 1)
    order by e.id;
end $$;
create function asks_for_events(topic text) returns boolean language sql stable as $$
    select exists (select from endpoint e where e.kind = 'webhook' and e.enabled and e.retired_at is null
        and e.configuration -> 'events' <> '[]' and e.configuration -> 'events' ? topic)
$$;

-- At the commit: whether an incident is exercised shows only once its alert is linked.
create function tell_of_incident() returns trigger language plpgsql as $$
begin
    if not asks_for_events('incidents') then
        return null;
    end if;
    perform tell_of_event('incidents',
        case when tg_op = 'INSERT' then 'incident.opened'
            when old.state = 'open' and new.state = 'closed' then 'incident.closed'
            when old.state = 'closed' and new.state = 'open' then 'incident.reopened'
            else 'incident.changed' end,
        new.id, jsonb_build_object('id', new.id, 'number', new.number, 'title', new.title, 'cobrade', new.cobrade, 'state', new.state,
            'drill', incident_is_drill(new.id), 'opened_at', new.opened_at, 'closed_at', new.closed_at));
    return null;
end $$;
create constraint trigger incident_tell_opened after insert on incident deferrable initially deferred
    for each row execute function tell_of_incident();
create constraint trigger incident_tell_changed after update on incident deferrable initially deferred
    for each row when (old.number <> new.number or old.title <> new.title or old.cobrade <> new.cobrade or old.state <> new.state
        or old.opened_at <> new.opened_at or old.closed_at is distinct from new.closed_at)
    execute function tell_of_incident();

-- As it stands at the commit, so that the many steps of one act are one event.
create function tell_of_occurrence() returns trigger language plpgsql as $$
declare
    told jsonb;
begin
    if not asks_for_events('occurrences') then
        return null;
    end if;
    select jsonb_build_object('id', o.id, 'number', o.number, 'kind', o.kind, 'cobrade', o.cobrade, 'state', o.state,
            'priority', o.priority, 'neighbourhood', o.neighbourhood, 'place', st_asgeojson(o.public_geom)::jsonb,
            'drill', o.incident_id is not null and incident_is_drill(o.incident_id),
            'incident', case when i.id is not null then jsonb_build_object('id', i.id, 'number', i.number) end,
            'merged_into', case when m.id is not null then jsonb_build_object('id', m.id, 'number', m.number) end)
        into told
        from occurrence o left join incident i on i.id = o.incident_id left join occurrence m on m.id = o.merged_into
        where o.id = new.id;
    if told is not null then
        perform tell_of_event('occurrences', case when tg_op = 'INSERT' then 'occurrence.received' else 'occurrence.changed' end, new.id, told);
    end if;
    return null;
end $$;
create constraint trigger occurrence_tell_received after insert on occurrence deferrable initially deferred
    for each row execute function tell_of_occurrence();
create constraint trigger occurrence_tell_changed after update on occurrence deferrable initially deferred
    for each row when (old.number <> new.number or old.kind <> new.kind or old.cobrade is distinct from new.cobrade
        or old.state <> new.state or old.priority <> new.priority or old.neighbourhood <> new.neighbourhood
        or old.public_geom is distinct from new.public_geom or old.incident_id is distinct from new.incident_id
        or old.merged_into is distinct from new.merged_into)
    execute function tell_of_occurrence();

-- What was to be told, of what and to whom never changes afterwards.
create function keep_event_told() returns trigger language plpgsql as $$
begin
    raise exception 'event % of endpoint % is rewritten', old.id, old.endpoint_id using errcode = 'restrict_violation';
end $$;
create trigger endpoint_event_keep_told before update on endpoint_event
    for each row when (old.endpoint_id <> new.endpoint_id or old.event <> new.event or old.subject_id <> new.subject_id or old.at <> new.at
        or old.payload <> new.payload or old.expires_at <> new.expires_at) execute function keep_event_told();

-- Whoever is switched off hears no more of what waits, also once it is switched on again.
create function end_events_of_endpoint() returns trigger language plpgsql as $$
begin
    update endpoint_event set state = 'endpoint_off', reason = new.disabled_why, leased_until = null, next_attempt_at = null,
        ended_at = greatest(new.changed_at, at)
    where endpoint_id = new.id and state = 'waiting';
    return null;
end $$;
create trigger endpoint_ends_events after update of enabled, retired_at on endpoint
    for each row when (not new.enabled or new.retired_at is not null) execute function end_events_of_endpoint();
