create table incident (
    id uuid primary key,
    number text not null constraint incident_number_unique unique,
    title text not null,
    cobrade text not null,
    state text not null constraint incident_state_known check (state in ('open', 'closed')),
    opened_at timestamptz not null,
    opened_by text not null,
    closed_at timestamptz,
    closed_by text
);

create table incident_alert (
    incident_id uuid not null references incident (id),
    alert_id uuid not null constraint incident_alert_alert_unique unique references alert (id),
    primary key (incident_id, alert_id)
);

-- The timeline. Nobody can rewrite it.
create table incident_entry (
    id bigint generated always as identity primary key,
    incident_id uuid not null references incident (id),
    at timestamptz not null,
    actor text not null,
    kind text not null,
    text text not null,
    detail jsonb not null default '{}'
);
create index incident_entry_incident on incident_entry (incident_id, id);
create trigger incident_entry_append_only before update or delete or truncate on incident_entry
    for each statement execute function refuse_rewrite();
