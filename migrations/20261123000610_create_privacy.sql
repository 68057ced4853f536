-- What residents agreed to, for what, and when they took it back. Nobody can rewrite it; the newest line of a purpose counts.
create table consent (
    id bigint generated always as identity primary key,
    resident_id uuid not null references resident (id),
    purpose text not null constraint consent_purpose_known check (purpose in ('alerts', 'needs', 'drills', 'research')),
    given boolean not null,
    at timestamptz not null,
    -- Which wording they read; empty for consents taken elsewhere and imported.
    text_version text not null default '',
    -- Where: "own page", or what the import says.
    source text not null
);
create index consent_resident on consent (resident_id, purpose, id);
insert into consent (resident_id, purpose, given, at, source)
    select id, 'alerts', true, consent_at, consent_source from resident where deleted_at is null;
create trigger consent_append_only before update or delete or truncate on consent
    for each statement execute function refuse_rewrite();

-- Kept beside the resident, so that finding an audience reads no history.
alter table resident add column alerts_withdrawn_at timestamptz;
create function follow_consent() returns trigger language plpgsql as $$
begin
    if new.purpose = 'alerts' then
        update resident set alerts_withdrawn_at = case when new.given then null else new.at end
            where id = new.resident_id and alerts_withdrawn_at is distinct from case when new.given then null else new.at end;
    end if;
    return null;
end $$;
create trigger consent_followed after insert on consent for each row execute function follow_consent();

-- The address as its owner writes it; the map works with the point.
alter table resident_place add column address_text text not null default ''
    constraint resident_place_address_text_length check (length(address_text) <= 300);

-- Somebody whose key was erased does not come back with the next import of an old list.
create table resident_erasure (
    resident_id uuid primary key references resident (id),
    external_ref_sha256 bytea,
    at timestamptz not null
);
create index resident_erasure_ref on resident_erasure (external_ref_sha256) where external_ref_sha256 is not null;

-- Codes sent to a telephone or mailbox. Sealed under the service's key: a plain hash of six digits is guessed in a second.
create table resident_code (
    id uuid primary key,
    channel text not null constraint resident_code_channel_known check (channel in ('sms', 'email')),
    address text not null,
    -- Null when nobody with this address is known: whoever asks sees the same page.
    resident_id uuid references resident (id) on delete cascade,
    -- True when it confirms a new channel of somebody who is already in.
    confirms boolean not null default false,
    sealed bytea not null,
    tries integer not null default 0,
    asked_from inet,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index resident_code_address on resident_code (channel, address, created_at);
create index resident_code_from on resident_code (asked_from, created_at);

create table resident_session (
    token_sha256 bytea primary key constraint resident_session_token_length check (length(token_sha256) = 32),
    resident_id uuid not null references resident (id) on delete cascade,
    channel text not null,
    address text not null,
    csrf_token text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index resident_session_resident on resident_session (resident_id);

-- What residents asked and what was done, without what would tell who they are once they are erased.
create table privacy_request (
    id uuid primary key,
    -- "2026/007", told to the resident.
    receipt text not null constraint privacy_request_receipt_unique unique,
    kind text not null constraint privacy_request_kind_known check (kind in ('export', 'correction', 'withdrawal', 'erasure')),
    resident_id uuid not null references resident (id),
    at timestamptz not null,
    done_at timestamptz not null,
    detail jsonb not null default '{}'
);
create index privacy_request_at on privacy_request (at desc);

-- What the rules of retention removed.
create table retention_run (
    id uuid primary key,
    rule text not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    -- Older than this was removed or emptied.
    before timestamptz not null,
    rows bigint not null
);
create index retention_run_at on retention_run (started_at desc);

-- As before, and nobody is written to who took the consent to alerts back.
create or replace function alert_recipients(wanted uuid)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text)
language sql stable rows 20000 set jit = off as $$
    with inside as materialized (
        select * from alert_audience(wanted)
    ), told as (
        select distinct on (o.resident_id) o.resident_id, o.area_id, 4 as danger, 'told_before' as basis
        from alert a join outbox o on o.alert_id = a.references_alert_id
        where a.id = wanted and a.kind <> 'alert' and (o.attempts > 0 or o.state in ('sending', 'accepted', 'unknown', 'delivered'))
        order by o.resident_id, o.priority, o.id
    ), reached as (
        select * from inside
        union all
        select * from told where not exists (select from inside where inside.resident_id = told.resident_id)
    ), channel as (
        select reached.*, r.language, c.kind, c.address, case
            when c.id is null then 'no_channel'
            when r.alerts_withdrawn_at is not null then 'consent_withdrawn'
            when c.opted_out_at is not null then 'opted_out'
            when c.verified_at is null then 'unverified'
            else '' end as reason
        from reached join resident r on r.id = reached.resident_id and r.deleted_at is null
            left join resident_channel c on c.resident_id = reached.resident_id
    )
    select c.resident_id, c.kind, c.address, c.language, c.area_id, c.danger, c.basis, case
        when c.reason = '' and row_number() over (partition by c.kind, c.address, c.reason order by c.danger, c.resident_id) > 1
            then 'duplicate_address'
        else c.reason end
    from channel c
$$;
