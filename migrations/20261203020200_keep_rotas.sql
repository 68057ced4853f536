-- Who of the staff is on call when. A rota has layers; the first is called first. A turn or a swap that is taken back stays as it was.
create table rota (
    id uuid primary key,
    -- By which plans of escalation name it.
    code text not null constraint rota_code_unique unique constraint rota_code_shape check (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    name text not null constraint rota_name_length check (char_length(btrim(name)) between 1 and 120),
    -- Layers that shall never be empty; gaps are told for these.
    layers smallint not null default 1 constraint rota_layers_range check (layers between 1 and 5),
    -- A calendar that is read again and again.
    feed_url text not null default '' constraint rota_feed_url_length check (char_length(feed_url) <= 2000),
    feed_layer smallint not null default 1 constraint rota_feed_layer_range check (feed_layer between 1 and 5),
    feed_due_at timestamptz,
    feed_read_at timestamptz,
    feed_problem text not null default '' constraint rota_feed_problem_length check (char_length(feed_problem) <= 1000),
    created_at timestamptz not null,
    created_by text not null,
    retired_at timestamptz,
    constraint rota_feed_whole check ((feed_url = '') = (feed_due_at is null))
);
create index rota_feed_due on rota (feed_due_at) where feed_due_at is not null and retired_at is null;

create table rota_turn (
    id bigint generated always as identity primary key,
    rota_id uuid not null references rota (id) on delete cascade,
    layer smallint not null constraint rota_turn_layer_range check (layer between 1 and 5),
    staff_id uuid not null references staff (id),
    from_at timestamptz not null,
    until_at timestamptz not null,
    -- Set when this is a swap: whose turn it takes over for that time.
    instead_of uuid references staff (id),
    source text not null constraint rota_turn_source_known check (source in ('hand', 'import', 'feed')),
    -- Of the event in the calendar it came from.
    uid text not null default '' constraint rota_turn_uid_length check (char_length(uid) <= 255),
    reason text not null default '' constraint rota_turn_reason_length check (char_length(reason) <= 300),
    made_at timestamptz not null,
    made_by text not null,
    withdrawn_at timestamptz,
    withdrawn_by text,
    constraint rota_turn_span check (until_at > from_at and until_at - from_at <= interval '31 days'),
    constraint rota_turn_withdrawn_whole check ((withdrawn_at is null) = (withdrawn_by is null)),
    constraint rota_turn_swap_other check (instead_of <> staff_id)
);
create index rota_turn_span_idx on rota_turn (rota_id, until_at) where withdrawn_at is null;
create index rota_turn_staff on rota_turn (staff_id, until_at) where withdrawn_at is null;

-- Secret addresses under which calendars are read: of one person's turns, or of a whole rota.
create table rota_calendar (
    id uuid primary key,
    staff_id uuid references staff (id),
    rota_id uuid references rota (id) on delete cascade,
    made_at timestamptz not null,
    made_by text not null,
    ended_at timestamptz,
    constraint rota_calendar_one check (num_nonnulls(staff_id, rota_id) = 1)
);
create unique index rota_calendar_staff on rota_calendar (staff_id) where ended_at is null and staff_id is not null;
create unique index rota_calendar_rota on rota_calendar (rota_id) where ended_at is null and rota_id is not null;

-- A page by SMS can be answered by SMS: with its code.
alter table alert_page add column code text constraint alert_page_code_shape check (code ~ '^[0-9]{4}$');
create index alert_page_code on alert_page (staff_id, code) where code is not null;
alter table alert_escalation drop constraint alert_escalation_how_known;
alter table alert_escalation add constraint alert_escalation_how_known check (acknowledged_how in ('link', 'page', 'api', 'edit', 'sms'));
