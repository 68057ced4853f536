-- Instruments: agreements with organisations and companies, money from others, strategic projects. The document holds the whole as the
-- state machine of its module left it; what lists, numbers and totals need stands beside it. Acts and money are only added.
alter table deadline drop constraint deadline_link_shape;
alter table deadline add constraint deadline_link_shape
    check (link ~ '^/(console|secretaria)/[A-Za-z0-9/_-]{1,200}$');

create table instrument (
    -- Version 7: the order of the ids is the order of opening.
    id uuid primary key,
    module text not null constraint instrument_module_known check (module in ('agreements', 'funding', 'strategic_projects')),
    kind text not null constraint instrument_kind_shape check (kind ~ '^[a-z_]{1,40}$'),
    -- Without gaps in its series and year; none until its act says so.
    series text constraint instrument_series_shape check (series ~ '^[a-z_]+\.[a-z_]+$' and char_length(series) <= 80),
    year integer constraint instrument_year_range check (year between 1900 and 2200),
    number integer constraint instrument_number_positive check (number > 0),
    -- What somebody outside calls it: the number of a federal convênio.
    outside_key text constraint instrument_outside_key_length check (char_length(outside_key) between 1 and 60),
    title text not null constraint instrument_title_length check (char_length(btrim(title)) between 1 and 1000),
    partner text not null default '' constraint instrument_partner_length check (char_length(partner) <= 200),
    partner_document text not null default '' constraint instrument_partner_document_shape check (partner_document ~ '^([0-9]{11}|[0-9A-Z]{12}[0-9]{2})?$'),
    state text not null constraint instrument_state_shape check (state ~ '^[a-z_]{1,40}$'),
    is_final boolean not null,
    starts_on date,
    ends_on date,
    agreed_centavos bigint not null constraint instrument_agreed_range check (agreed_centavos between 0 and 1000000000000000),
    document jsonb not null constraint instrument_document_object check (jsonb_typeof(document) = 'object'),
    opened_at timestamptz not null,
    opened_by text not null,
    changed_at timestamptz not null,
    revision integer not null default 1 constraint instrument_revision_positive check (revision > 0),
    -- Kept at least until this day, by its rule.
    kept_until date,
    search tsvector not null generated always as (to_tsvector('portuguese'::regconfig, title || ' ' || partner)) stored,
    constraint instrument_number_whole check (num_nonnulls(series, year, number) in (0, 3)),
    constraint instrument_number_unique unique (series, year, number),
    constraint instrument_outside_key_unique unique (module, outside_key)
);
create index instrument_queue on instrument (module, id desc);
create index instrument_state on instrument (module, state, id desc);
create index instrument_partner on instrument (partner_document, module) where partner_document <> '';
create index instrument_ending on instrument (module, ends_on) where not is_final;
create index instrument_search on instrument using gin (search);

create table instrument_act (
    instrument_id uuid not null references instrument (id),
    seq integer not null constraint instrument_act_seq_positive check (seq > 0),
    at timestamptz not null,
    actor text not null,
    act text not null constraint instrument_act_act_shape check (act ~ '^[a-z_]{1,40}$'),
    from_state text not null,
    to_state text not null,
    reason text not null default '' constraint instrument_act_reason_length check (char_length(reason) <= 1000),
    -- What was asked, as it came. For the staff of the module.
    asked jsonb not null,
    constraint instrument_act_pkey primary key (instrument_id, seq)
);
create trigger instrument_act_append_only before update or delete or truncate on instrument_act
    for each statement execute function refuse_rewrite();

create table instrument_money (
    instrument_id uuid not null references instrument (id),
    seq integer not null constraint instrument_money_seq_positive check (seq > 0),
    movement text not null constraint instrument_money_movement_known check (movement in
        ('committed', 'released', 'counterpart_due', 'counterpart_paid', 'spent', 'returned')),
    centavos bigint not null constraint instrument_money_centavos_range
        check (centavos between -1000000000000000 and 1000000000000000 and centavos <> 0),
    happened_on date not null,
    what text not null constraint instrument_money_what_length check (char_length(btrim(what)) between 1 and 300),
    reverses integer,
    at timestamptz not null,
    actor text not null,
    constraint instrument_money_pkey primary key (instrument_id, seq),
    -- Only what takes an entry back lies below nought, and an entry is taken back once.
    constraint instrument_money_reversal_sign check ((reverses is not null) = (centavos < 0)),
    constraint instrument_money_reversal_before check (reverses < seq),
    constraint instrument_money_reversed_once unique (instrument_id, reverses)
);
create trigger instrument_money_append_only before update or delete or truncate on instrument_money
    for each statement execute function refuse_rewrite();

create table instrument_document (
    id uuid primary key,
    instrument_id uuid not null references instrument (id),
    kind text not null constraint instrument_document_kind_shape check (kind ~ '^[a-z0-9_]{1,60}$'),
    name text not null constraint instrument_document_name_length check (char_length(btrim(name)) between 1 and 200),
    media_type text not null constraint instrument_document_media_type_length check (char_length(media_type) between 3 and 100),
    bytes bytea not null constraint instrument_document_bytes_size check (length(bytes) between 1 and 10485760),
    sha256 bytea not null constraint instrument_document_sha256_length check (length(sha256) = 32),
    added_at timestamptz not null,
    added_by text not null,
    constraint instrument_document_once unique (instrument_id, sha256)
);
create index instrument_document_of on instrument_document (instrument_id, id);
create trigger instrument_document_append_only before update or delete or truncate on instrument_document
    for each statement execute function refuse_rewrite();

-- What everybody reads: fields by allow-list, made with the act that made them public. It has no bank data and no whole CPF.
create table instrument_public (
    instrument_id uuid primary key references instrument (id),
    module text not null,
    snapshot jsonb not null constraint instrument_public_snapshot_object check (jsonb_typeof(snapshot) = 'object'),
    published_at timestamptz not null,
    -- The last day on which it is listed; none: not over.
    listed_until date
);
create index instrument_public_list on instrument_public (module, instrument_id desc);
