-- Gap-free numbers: a number is taken in the transaction of the act that uses it.
create table number_series (
    series text not null,
    year integer not null,
    last_number integer not null,
    primary key (series, year)
);

create table alert (
    id uuid primary key,
    state text not null constraint alert_state_known check (state in
        ('draft', 'discarded', 'issued', 'superseded', 'cleared', 'cancelled', 'expired')),
    kind text not null constraint alert_kind_known check (kind in ('alert', 'update', 'all_clear', 'cancel')),
    -- CAP status. Exercise and test can never become actual: a trigger refuses the change.
    status text not null constraint alert_status_known check (status in ('actual', 'exercise', 'test')),
    cobrade text not null,
    level text not null constraint alert_level_known check (level in ('normal', 'observation', 'attention', 'alert', 'maximum')),
    headline text not null,
    description text not null,
    instruction text not null,
    sms_text text not null,
    severity text not null,
    urgency text not null,
    certainty text not null,
    expires_at timestamptz not null,
    references_alert_id uuid references alert (id),
    rule_id text,
    rule_version integer,
    reasons jsonb not null default '[]',
    created_at timestamptz not null,
    created_by text not null,
    -- Rises with each edit; an editor that saves must name the revision it read.
    revision integer not null default 1,
    -- A person has changed the texts: they are never made anew from the template.
    edited boolean not null default false,
    approved_at timestamptz,
    approved_by text,
    issued_at timestamptz,
    ended_at timestamptz,
    -- Set once at issue.
    number text constraint alert_number_unique unique,
    cap_identifier text constraint alert_cap_identifier_unique unique,
    cap_sender text,
    cap_sent text,
    cap_xml text,
    constraint alert_issued_complete check (
        state in ('draft', 'discarded')
        or (number is not null and cap_identifier is not null and cap_sender is not null and cap_sent is not null
            and cap_xml is not null and issued_at is not null and approved_by is not null))
);
create index alert_state_idx on alert (state, created_at desc);
create index alert_issued_idx on alert (issued_at desc) where issued_at is not null;

create table alert_area (
    alert_id uuid not null references alert (id) on delete cascade,
    area_id bigint not null references risk_area (id),
    name text not null,
    -- Frozen when the alert is issued: a later edit of the area changes nothing that was said.
    geom geometry(MultiPolygon, 4326) not null,
    primary key (alert_id, area_id)
);
create index alert_area_geom_gist on alert_area using gist (geom);

create table alert_event (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id) on delete cascade,
    at timestamptz not null,
    actor text not null,
    action text not null,
    detail jsonb not null default '{}'
);
create index alert_event_alert on alert_event (alert_id, id);

-- What was issued stands: only the state and its instant may move afterwards.
create function keep_issued_alert() returns trigger language plpgsql as $$
begin
    if old.status <> new.status then
        raise exception 'alert %: status % cannot become %', old.id, old.status, new.status using errcode = 'restrict_violation';
    end if;
    if old.cap_xml is not null and (old.cap_xml, old.cap_identifier, old.cap_sent, old.cap_sender, old.number, old.headline,
            old.description, old.instruction, old.sms_text, old.expires_at, old.issued_at, old.approved_by, old.level, old.cobrade)
        is distinct from (new.cap_xml, new.cap_identifier, new.cap_sent, new.cap_sender, new.number, new.headline,
            new.description, new.instruction, new.sms_text, new.expires_at, new.issued_at, new.approved_by, new.level, new.cobrade) then
        raise exception 'alert % is issued and cannot be rewritten', old.number using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger alert_keep_issued before update on alert for each row execute function keep_issued_alert();
