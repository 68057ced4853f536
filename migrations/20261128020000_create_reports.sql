-- What people report, and what comes of it. A report is somebody's words and never changes; who they are lies apart, sealed,
-- and goes when its time is over. Reports of one thing make one occurrence, which staff confirms, dismisses, joins or splits.

-- The readings of people's reports belong to stations that stand on no ground: one for each risk area, made by the service.
alter table station add column is_virtual boolean not null default false;

create table occurrence (
    id uuid primary key,
    number text not null constraint occurrence_number_unique unique,
    -- Of its most trusted report; the words of `reports::Kind`.
    kind text not null constraint occurrence_kind_length check (length(kind) between 1 and 40),
    state text not null constraint occurrence_state_known check (state in ('new', 'confirmed', 'dismissed', 'closed', 'merged')),
    -- Of its most exact report; null while nobody has said where.
    geom geometry(Point, 4326),
    precision_m integer constraint occurrence_precision_positive check (precision_m >= 0),
    opened_at timestamptz not null,
    -- When the newest and the oldest of its reports were seen.
    first_at timestamptz not null,
    last_at timestamptz not null,
    decided_at timestamptz,
    decided_by text,
    reason text not null default '',
    merged_into uuid references occurrence (id),
    incident_id uuid references incident (id),
    -- Between 0 and 1, and how much it presses: trust times danger.
    trust double precision not null default 0 constraint occurrence_trust_range check (trust between 0 and 1),
    pressing double precision not null default 0,
    constraint occurrence_place_whole check ((geom is null) = (precision_m is null)),
    constraint occurrence_decided_whole check ((state = 'new') = (decided_at is null)),
    constraint occurrence_merged_whole check ((state = 'merged') = (merged_into is not null))
);
create index occurrence_queue on occurrence (state, pressing desc);
create index occurrence_geom_gist on occurrence using gist (geom) where state in ('new', 'confirmed');
create index occurrence_last on occurrence (last_at desc);

create table report (
    id uuid primary key,
    -- What the reporter is told, to speak of it later.
    protocol text not null constraint report_protocol_unique unique,
    -- Given by whoever sends, so that what is sent twice is one report.
    idempotency_key text not null constraint report_idempotency_key_unique unique
        constraint report_idempotency_key_shape check (idempotency_key ~ '^[A-Za-z0-9_.:-]{8,128}$'),
    source text not null constraint report_source_known check (source in ('web', 'field', 'api', 'sms', 'email')),
    kind text not null constraint report_kind_length check (length(kind) between 1 and 40),
    words text not null constraint report_words_length check (char_length(words) <= 4000),
    -- Where, in the reporter's words.
    place text not null constraint report_place_length check (char_length(place) <= 500),
    geom geometry(Point, 4326),
    precision_m integer constraint report_precision_positive check (precision_m >= 0),
    place_from text not null constraint report_place_from_known check (place_from in
        ('gps', 'pin', 'coordinates', 'area', 'resident', 'unknown')),
    observed_at timestamptz not null,
    received_at timestamptz not null,
    language text not null,
    -- Who, as a mark that tells people apart and names nobody: a keyed sum of the telephone, mailbox, account, or of the
    -- network address and the day.
    reporter bytea not null constraint report_reporter_length check (length(reporter) = 16),
    standing text not null constraint report_standing_known check (standing in ('staff', 'resident', 'contact', 'anonymous')),
    -- The account of staff who reported.
    staff text,
    -- Why the way it came is doubtful; the words of `reports::Doubt`.
    doubts text[] not null default '{}',
    constraint report_place_whole check ((geom is null) = (precision_m is null))
);
create index report_reporter on report (reporter, received_at);
create index report_received on report (received_at desc);
create trigger report_append_only before update or delete or truncate on report
    for each statement execute function refuse_rewrite();

-- How to ask a reporter back. Removed after privacy.report_contact_days.
create table report_contact (
    report_id uuid primary key references report (id),
    -- Under the ring `vault`: "report_contact.sealed:REPORT".
    sealed bytea not null,
    created_at timestamptz not null
);
create index report_contact_created on report_contact (created_at);

-- Where a report belongs and how far it is trusted: what of it may change.
create table report_standing (
    report_id uuid primary key references report (id),
    occurrence_id uuid not null references occurrence (id),
    -- Why it belongs there.
    because jsonb not null,
    trust double precision not null constraint report_standing_trust_range check (trust between 0 and 1),
    reasons jsonb not null,
    -- What it counts as for the rules, and what of that is in the journal; nothing is due while both agree.
    weight double precision not null constraint report_standing_weight_range check (weight between 0 and 1),
    fed double precision
);
create index report_standing_occurrence on report_standing (occurrence_id);
create index report_standing_due on report_standing (report_id) where fed is distinct from weight;

-- The streams that a report has spoken to, so that a later word on it reaches the same ones.
create table report_stream (
    report_id uuid not null references report (id),
    datastream_id bigint not null references datastream (id),
    primary key (report_id, datastream_id)
);
create index report_stream_datastream on report_stream (datastream_id);

-- What happened to an occurrence, in order. Nobody can rewrite it.
create table occurrence_event (
    id bigint generated always as identity primary key,
    occurrence_id uuid not null references occurrence (id),
    at timestamptz not null,
    actor text not null,
    kind text not null,
    text text not null,
    detail jsonb not null default '{}'
);
create index occurrence_event_occurrence on occurrence_event (occurrence_id, id);
create trigger occurrence_event_append_only before update or delete or truncate on occurrence_event
    for each statement execute function refuse_rewrite();

-- Photographs of reports beside those of incidents.
alter table attachment
    add column report_id uuid references report (id),
    drop constraint attachment_belongs,
    add constraint attachment_belongs check (num_nonnulls(incident_id, report_id) = 1);
create index attachment_report on attachment (report_id, seq) where report_id is not null;
create unique index attachment_report_content on attachment (report_id, sha256) where removed_at is null and report_id is not null;

create or replace function keep_attachment() returns trigger language plpgsql as $$
begin
    if old.removed_at is not null or new.removed_at is null
        or (new.id, new.seq, new.kind, new.incident_id, new.report_id, new.media_type, new.sha256, new.bytes, new.width, new.height,
            new.caption, new.uploaded_by, new.created_at)
        is distinct from (old.id, old.seq, old.kind, old.incident_id, old.report_id, old.media_type, old.sha256, old.bytes, old.width,
            old.height, old.caption, old.uploaded_by, old.created_at) then
        raise exception 'attachment only allows a removal' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
