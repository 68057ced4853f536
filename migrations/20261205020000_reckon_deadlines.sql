-- Deadlines of all modules: rules and holidays of the town beside those that are shipped (config/secretariat), and what was reckoned.
-- A row of a rule or a holiday is never rewritten; it ends, with who and why, and everything open is reckoned anew.
create table holiday (
    id uuid primary key,
    day date not null constraint holiday_day_range check (day between '2000-01-01' and '2100-12-31'),
    name text not null constraint holiday_name_length check (char_length(btrim(name)) between 1 and 160),
    kind text not null constraint holiday_kind_known check (kind in ('national', 'state', 'municipal', 'optional')),
    -- Whether offices are shut, so that no business day is counted.
    shut boolean not null default true,
    law_ref text not null default '' constraint holiday_law_length check (char_length(law_ref) <= 300),
    added_at timestamptz not null,
    added_by text not null,
    removed_at timestamptz,
    removed_by text,
    removed_reason text not null default '' constraint holiday_removed_reason_length check (char_length(removed_reason) <= 1000),
    constraint holiday_removed_whole check ((removed_at is null) = (removed_by is null) and (removed_at is null) = (removed_reason = ''))
);
create unique index holiday_once on holiday (day, kind) where removed_at is null;

-- src/deadlines/rule.rs says the form of the document.
create table deadline_rule (
    id uuid primary key,
    code text not null constraint deadline_rule_code_shape check (code ~ '^[a-z0-9_]+(\.[a-z0-9_]+)*$' and char_length(code) <= 80),
    valid_from date not null,
    document jsonb not null constraint deadline_rule_document_object check (jsonb_typeof(document) = 'object'),
    reason text not null constraint deadline_rule_reason_length check (char_length(btrim(reason)) between 1 and 1000),
    added_at timestamptz not null,
    added_by text not null
);
create index deadline_rule_code on deadline_rule (code, valid_from);
create trigger deadline_rule_append_only before update or delete or truncate on deadline_rule
    for each statement execute function refuse_rewrite();

create table deadline (
    id uuid primary key,
    -- Whose it is: "disaster" and its id. Where to read of it, below /console.
    subject_kind text not null constraint deadline_subject_kind_shape check (subject_kind ~ '^[a-z_]{1,40}$'),
    subject_id uuid not null,
    title text not null constraint deadline_title_length check (char_length(title) between 1 and 300),
    link text not null constraint deadline_link_shape check (link ~ '^/console/[A-Za-z0-9/_-]{1,200}$'),
    code text not null,
    law_ref text not null,
    anchor_event text not null,
    anchor_at timestamptz not null,
    extended integer not null default 0 constraint deadline_extended_range check (extended between 0 and 100),
    -- [[from, until or null], …] in days of the town.
    paused jsonb not null default '[]',
    restarted_on date,
    -- Both null while a pause without an end runs.
    due_on date,
    due_at timestamptz,
    warn_days integer not null,
    confirmed boolean not null,
    trace jsonb not null,
    state text not null default 'open' constraint deadline_state_known check (state in ('open', 'met', 'void')),
    set_at timestamptz not null,
    set_by text not null,
    ended_at timestamptz,
    ended_by text,
    reminded_on date,
    constraint deadline_due_whole check ((due_on is null) = (due_at is null)),
    constraint deadline_after_anchor check (due_at >= anchor_at),
    constraint deadline_ended_whole check ((ended_at is null) = (ended_by is null) and (ended_at is not null) = (state <> 'open'))
);
create unique index deadline_open_once on deadline (subject_kind, subject_id, code) where state = 'open';
create index deadline_open_due on deadline (due_on) where state = 'open';
create index deadline_subject on deadline (subject_kind, subject_id);

create table deadline_act (
    id bigint generated always as identity primary key,
    deadline_id uuid not null references deadline (id),
    at timestamptz not null,
    actor text not null,
    act text not null constraint deadline_act_known check (act in
        ('set', 'reckon', 'extend', 'suspend', 'resume', 'interrupt', 'meet', 'void')),
    due_before date,
    due_after date,
    reason text not null default '' constraint deadline_act_reason_length check (char_length(reason) <= 1000)
);
create index deadline_act_deadline on deadline_act (deadline_id, id);
create trigger deadline_act_append_only before update or delete or truncate on deadline_act
    for each statement execute function refuse_rewrite();
