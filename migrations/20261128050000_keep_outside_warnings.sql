-- Warnings that other institutions publish, one row for each message as it came: a changed word under the same identifier is
-- another row. None is rewritten; what replaces it and whether it concerns this town are noted on it.
create table outside_warning (
    id bigint generated always as identity primary key,
    -- The feed's name. Links lead only to warnings of the same source: another's word ends nothing.
    source text not null constraint outside_warning_source_length check (length(source) between 1 and 100),
    identifier text not null constraint outside_warning_identifier_length check (length(identifier) between 1 and 500),
    sent_at timestamptz not null,
    -- SHA-256 of `raw`.
    content_sha256 bytea not null constraint outside_warning_content_length check (length(content_sha256) = 32),
    -- What the revisions of one warning have in common, and which this is.
    series text not null,
    revision integer not null,
    sender text not null,
    sender_name text not null,
    -- Words of CAP.
    status text not null
        constraint outside_warning_status_known check (status in ('Actual', 'Exercise', 'System', 'Test', 'Draft')),
    msg_type text not null constraint outside_warning_msg_type_known check (msg_type in ('Alert', 'Update', 'Cancel')),
    scope text not null constraint outside_warning_scope_known check (scope in ('Public', 'Restricted', 'Private')),
    urgency text not null
        constraint outside_warning_urgency_known check (urgency in ('Immediate', 'Expected', 'Future', 'Past', 'Unknown')),
    severity text not null
        constraint outside_warning_severity_known check (severity in ('Extreme', 'Severe', 'Moderate', 'Minor', 'Unknown')),
    certainty text not null
        constraint outside_warning_certainty_known check (certainty in ('Observed', 'Likely', 'Possible', 'Unlikely', 'Unknown')),
    -- The publisher's own word and colour.
    level text not null,
    colour text not null constraint outside_warning_colour_shape check (colour ~ '^(#[0-9A-F]{6})?$'),
    event text not null,
    headline text not null,
    description text not null,
    instruction text not null,
    web text not null,
    effective_at timestamptz,
    onset_at timestamptz,
    expires_at timestamptz,
    area_texts text[] not null,
    -- IBGE codes of municipalities.
    geocodes text[] not null constraint outside_warning_geocodes_count check (cardinality(geocodes) <= 6000),
    -- Circles are kept as polygons, apart, so that the reason can name them.
    polygons geometry(MultiPolygon, 4326),
    circles geometry(MultiPolygon, 4326),
    -- "sender,identifier" of the messages that it names.
    reference_keys text[] not null,
    raw bytea not null constraint outside_warning_raw_length check (length(raw) <= 1048576),
    -- The message that replaced it, and how that is known.
    superseded_by bigint references outside_warning (id) on delete set null,
    linked_how text not null default ''
        constraint outside_warning_linked_how_known
        check (linked_how in ('', 'references', 'revision', 'same_event_and_area', 'same_event_and_municipality')),
    -- Why it is for this town; empty: it is not.
    for_us_by text[] not null default '{}'
        constraint outside_warning_for_us_by_known check (for_us_by <@ array['geocode', 'polygon', 'circle']),
    received_at timestamptz not null,
    -- Since when a source that lists what is in force lists it no more.
    unlisted_at timestamptz,
    constraint outside_warning_message_unique unique (source, identifier, sent_at, content_sha256)
);
create index outside_warning_open on outside_warning (received_at desc) where superseded_by is null;
create index outside_warning_superseded on outside_warning (superseded_by) where superseded_by is not null;
create index outside_warning_source on outside_warning (source, received_at desc);

-- The risk areas that a warning touches.
create table outside_warning_area (
    warning_id bigint not null references outside_warning (id) on delete cascade,
    area_id bigint not null references risk_area (id) on delete cascade,
    primary key (warning_id, area_id)
);
create index outside_warning_area_area on outside_warning_area (area_id);

-- Entries of lists whose message was read or cannot be: each is asked for once.
create table feed_entry (
    source text not null,
    key text not null constraint feed_entry_key_length check (length(key) <= 3000),
    asked_at timestamptz not null,
    primary key (source, key)
);

-- Of a feed: which kind of failure the last was, for words in the reader's language, and warnings of the last new answer.
alter table feed
    add column error_kind text not null default ''
        constraint feed_error_kind_length check (length(error_kind) <= 40),
    add column warnings integer not null default 0;
