-- Checks of the audit's chain: who asked, how far one is, what it found. The service carries them out one after the other.
create table audit_check (
    id uuid primary key,
    asked_at timestamptz not null,
    asked_by text not null,
    finished_at timestamptz,
    -- Events looked at so far, of how many there were at the beginning.
    checked bigint not null default 0,
    total bigint not null default 0,
    head_seq bigint not null default 0,
    head_hash bytea not null default '',
    -- All of them, and the first ones in full.
    findings bigint not null default 0,
    detail jsonb not null default '[]',
    -- Why it could not be carried out.
    failure text not null default ''
);
create index audit_check_asked on audit_check (asked_at desc);

create index audit_event_act on audit_event (act, at);

-- The history of an alert is as final as a timeline.
create trigger alert_event_append_only before update or delete or truncate on alert_event
    for each statement execute function refuse_rewrite();
