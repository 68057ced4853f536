-- Where items of the press come from: feeds and gazettes that are asked, and people who write down what they heard or read ('hand').
create table media_source (
    id uuid primary key,
    name text not null constraint media_source_name_length check (char_length(btrim(name)) between 1 and 120),
    kind text not null constraint media_source_kind_known check (kind in ('feed', 'gazette', 'hand')),
    url text not null default '' constraint media_source_url_length check (char_length(url) <= 2000),
    -- Seconds between two asks.
    every_s integer not null default 900 constraint media_source_every_range check (every_s between 300 and 86400),
    added_at timestamptz not null,
    added_by text not null,
    removed_at timestamptz,
    removed_by text,
    -- How it does, as of feeds of other institutions.
    due_at timestamptz,
    asked_at timestamptz,
    answered_at timestamptz,
    changed_at timestamptz,
    failures integer not null default 0,
    error text not null default '',
    error_kind text not null default '',
    -- Of the answer before, for conditional requests.
    etag text not null default '',
    last_modified text not null default '',
    sha256 bytea constraint media_source_sha256_length check (length(sha256) = 32),
    -- Of the last answer that was another: items in it, new ones, and what could not be read.
    items integer not null default 0,
    new_items integer not null default 0,
    problems integer not null default 0,
    problem text not null default '',
    constraint media_source_removed_whole check (num_nonnulls(removed_at, removed_by) in (0, 2)),
    constraint media_source_asked check ((kind = 'hand') = (url = '') and (kind = 'hand') = (due_at is null))
);
create unique index media_source_name on media_source (lower(name)) where removed_at is null;
create unique index media_source_url on media_source (url) where removed_at is null and url <> '';
create index media_source_due on media_source (due_at) where removed_at is null and due_at is not null;

-- Rules that make candidates of items (docs/secretariat/media-monitoring.md).
create table media_rule (
    id uuid primary key,
    name text not null constraint media_rule_name_length check (char_length(btrim(name)) between 1 and 120),
    query text not null constraint media_rule_query_length check (char_length(query) between 1 and 1000),
    -- Of one source only; none: of all.
    source_id uuid references media_source (id),
    -- What is proposed for what fits.
    theme text not null default '' constraint media_rule_theme_length check (char_length(theme) <= 60),
    added_at timestamptz not null,
    added_by text not null,
    removed_at timestamptz,
    removed_by text,
    constraint media_rule_removed_whole check (num_nonnulls(removed_at, removed_by) in (0, 2))
);

-- One item: title, excerpt, address and day, never the whole text.
create table media_item (
    id uuid primary key,
    source_id uuid not null references media_source (id),
    -- The source's own name for it.
    guid text not null constraint media_item_guid_length check (char_length(guid) between 1 and 400),
    link text not null constraint media_item_link_length check (char_length(link) <= 2000),
    -- Sum of the address without scheme, www. and the last slash.
    link_key bytea constraint media_item_link_key_length check (length(link_key) = 32),
    title text not null constraint media_item_title_length check (char_length(title) between 1 and 300),
    excerpt text not null constraint media_item_excerpt_length check (char_length(excerpt) <= 500),
    published_at timestamptz not null,
    fetched_at timestamptz not null,
    -- Of title, excerpt, address and day as they came.
    sha256 bytea not null constraint media_item_sha256_length check (length(sha256) = 32),
    simhash bigint not null,
    -- The first item that told the same; itself when it was that.
    first_id uuid not null,
    by_rules text not null constraint media_item_by_rules_known check (by_rules in ('new', 'candidate')),
    state text not null constraint media_item_state_known check (state in ('new', 'candidate', 'selected', 'dismissed')),
    tone text constraint media_item_tone_known check (tone in ('positive', 'neutral', 'negative')),
    theme text not null default '' constraint media_item_theme_length check (char_length(theme) <= 60),
    spokesperson text not null default '' constraint media_item_spokesperson_length check (char_length(spokesperson) <= 120),
    note text not null default '' constraint media_item_note_length check (char_length(note) <= 1000),
    revision integer not null default 0 constraint media_item_revision_range check (revision >= 0),
    -- Day of the clipping in which it stands.
    clipped_on date,
    -- Title and excerpt without accents.
    words text not null constraint media_item_words_length check (char_length(words) <= 3000),
    search tsvector not null generated always as (to_tsvector('portuguese'::regconfig, words)) stored,
    constraint media_item_selected_whole check ((state = 'selected') = (tone is not null) and (state = 'selected') = (theme <> ''))
);
create unique index media_item_guid on media_item (source_id, guid);
create unique index media_item_link on media_item (link_key) where link_key is not null;
create index media_item_published on media_item (published_at desc, id desc);
create index media_item_state on media_item (state, published_at desc, id desc);
create index media_item_source on media_item (source_id, published_at desc, id desc);
create index media_item_group on media_item (first_id) where first_id <> id;
create index media_item_selected on media_item (published_at) include (theme, tone) where state = 'selected';
create index media_item_unclipped on media_item (published_at, id) where state = 'selected' and clipped_on is null;
create index media_item_search on media_item using gin (search);

-- Which rules an item fits.
create table media_match (
    item_id uuid not null references media_item (id) on delete cascade,
    rule_id uuid not null references media_rule (id),
    constraint media_match_pkey primary key (item_id, rule_id)
);
create index media_match_rule on media_match (rule_id, item_id);

-- What people made of items, act by act; goes with the item when its days are over.
create table media_judgement (
    item_id uuid not null references media_item (id) on delete cascade,
    seq integer not null constraint media_judgement_seq_positive check (seq > 0),
    at timestamptz not null,
    by text not null,
    judgement jsonb not null,
    -- It took the act before it back.
    is_undo boolean not null,
    constraint media_judgement_pkey primary key (item_id, seq)
);
create trigger media_judgement_unchanged before update or truncate on media_judgement
    for each statement execute function refuse_rewrite();

-- Rumours that civil defense was asked to look at.
create table media_check (
    item_id uuid primary key references media_item (id) on delete cascade,
    occurrence_id uuid not null,
    occurrence_number text not null,
    at timestamptz not null,
    by text not null,
    reason text not null constraint media_check_reason_length check (char_length(reason) between 3 and 2000)
);

-- The clipping of a day of the town, as it was when it was closed.
create table media_clipping (
    day date primary key,
    made_at timestamptz not null,
    made_by text not null,
    items jsonb not null constraint media_clipping_items_list check (jsonb_typeof(items) = 'array'),
    mailed integer not null constraint media_clipping_mailed_range check (mailed >= 0)
);
create trigger media_clipping_unchanged before update or truncate on media_clipping
    for each statement execute function refuse_rewrite();

-- Who gets the clipping by e-mail.
create table media_subscriber (
    id uuid primary key,
    name text not null constraint media_subscriber_name_length check (char_length(btrim(name)) between 1 and 120),
    -- None: they were taken off the list.
    email text constraint media_subscriber_email_length check (char_length(email) between 3 and 254),
    language text not null constraint media_subscriber_language_known check (language in ('pt-BR', 'en')),
    added_at timestamptz not null,
    added_by text not null,
    removed_at timestamptz,
    constraint media_subscriber_removed check ((email is null) = (removed_at is not null))
);
create unique index media_subscriber_email on media_subscriber (lower(email)) where removed_at is null;
