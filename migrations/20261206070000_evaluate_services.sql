-- Evaluation of public services by whoever uses them (Lei 13.460/2017, art. 23). Nothing here tells who answered, from where or when: an
-- answer has a random id and no time, a code that was used is gone, and free text stands apart from the answers it came with.

create table evaluation_service (
    id uuid primary key,
    code text not null constraint evaluation_service_code_shape check (code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(code) between 2 and 60),
    name text not null constraint evaluation_service_name_length check (char_length(btrim(name)) between 1 and 200),
    sphere text not null constraint evaluation_service_sphere_known check (sphere in ('federal', 'state', 'municipal')),
    -- The body or unit that renders it.
    unit text not null constraint evaluation_service_unit_length check (char_length(btrim(unit)) between 1 and 200),
    -- What the ombudsman's cases call that unit; empty: they do not know it.
    department text not null default '' constraint evaluation_service_department_length check (char_length(department) <= 160),
    ended_on date,
    revision integer not null default 1,
    changed_at timestamptz not null
);
create unique index evaluation_service_code_once on evaluation_service (code);

create table evaluation_form (
    key text not null constraint evaluation_form_key_shape check (key ~ '^[a-z0-9_]{1,60}$'),
    version integer not null constraint evaluation_form_version_positive check (version >= 1),
    text text not null constraint evaluation_form_text_length check (char_length(text) between 1 and 65536),
    saved_at timestamptz not null,
    saved_by text not null,
    -- Since when a round asks its questions; from then on it is never changed.
    used_at timestamptz,
    constraint evaluation_form_pkey primary key (key, version)
);
create function evaluation_form_keep() returns trigger language plpgsql as $$
begin
    if old.used_at is not null then
        raise exception 'a questionnaire that was used is never changed' using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;
create trigger evaluation_form_kept before update or delete on evaluation_form
    for each row execute function evaluation_form_keep();

create table evaluation_round (
    id uuid primary key,
    year integer not null,
    title text not null constraint evaluation_round_title_length check (char_length(btrim(title)) between 1 and 160),
    form_key text not null,
    form_version integer not null,
    -- Days of the town, both counted.
    opens_on date not null,
    closes_on date not null,
    -- Whoever has the address may answer, without a code.
    open_link boolean not null,
    created_at timestamptz not null,
    created_by text not null,
    constraint evaluation_round_form foreign key (form_key, form_version) references evaluation_form (key, version),
    constraint evaluation_round_order check (closes_on >= opens_on),
    constraint evaluation_round_one_year check (extract(year from opens_on) = year and extract(year from closes_on) = year)
);
create index evaluation_round_year on evaluation_round (year, opens_on);
create trigger evaluation_round_append_only before update or delete or truncate on evaluation_round
    for each statement execute function refuse_rewrite();

create table evaluation_round_service (
    round_id uuid not null references evaluation_round (id),
    service_id uuid not null references evaluation_service (id),
    constraint evaluation_round_service_pkey primary key (round_id, service_id)
);
create index evaluation_round_service_of on evaluation_round_service (service_id);
create trigger evaluation_round_service_append_only before update or delete or truncate on evaluation_round_service
    for each statement execute function refuse_rewrite();

-- Codes that were not used yet, by their hash. Whoever answers with one takes it out of here.
create table evaluation_code (
    hash bytea primary key constraint evaluation_code_hash_length check (octet_length(hash) = 32),
    round_id uuid not null,
    service_id uuid not null,
    constraint evaluation_code_asked foreign key (round_id, service_id) references evaluation_round_service (round_id, service_id)
);
create index evaluation_code_of on evaluation_code (round_id, service_id);

create table evaluation_code_batch (
    id bigint generated always as identity primary key,
    round_id uuid not null,
    service_id uuid not null,
    codes integer not null constraint evaluation_code_batch_range check (codes between 1 and 500),
    at timestamptz not null,
    by text not null,
    constraint evaluation_code_batch_asked foreign key (round_id, service_id) references evaluation_round_service (round_id, service_id)
);
create index evaluation_code_batch_of on evaluation_code_batch (round_id, service_id);
create trigger evaluation_code_batch_append_only before update or delete or truncate on evaluation_code_batch
    for each statement execute function refuse_rewrite();

create table evaluation_response (
    id uuid primary key,
    round_id uuid not null,
    service_id uuid not null,
    -- Question to answer; texts are not among them.
    answers jsonb not null constraint evaluation_response_answers_object check (jsonb_typeof(answers) = 'object'),
    constraint evaluation_response_asked foreign key (round_id, service_id) references evaluation_round_service (round_id, service_id)
);
create index evaluation_response_of on evaluation_response (round_id, service_id);
create trigger evaluation_response_append_only before update or delete or truncate on evaluation_response
    for each statement execute function refuse_rewrite();

create table evaluation_comment (
    id uuid primary key,
    round_id uuid not null,
    service_id uuid not null,
    question text not null,
    -- As it was written until somebody checked it, then as it may be read; empty when it was withheld.
    text text not null constraint evaluation_comment_text_length check (char_length(text) <= 4000),
    state text not null constraint evaluation_comment_state_known check (state in ('waiting', 'shown', 'withheld')),
    reason text not null default '' constraint evaluation_comment_reason_length check (char_length(reason) <= 500),
    checked_by text,
    checked_at timestamptz,
    constraint evaluation_comment_asked foreign key (round_id, service_id) references evaluation_round_service (round_id, service_id),
    constraint evaluation_comment_checked_whole check ((state = 'waiting') = (checked_by is null) and (state = 'waiting') = (checked_at is null)),
    constraint evaluation_comment_withheld_erased check (state <> 'withheld' or (text = '' and reason <> ''))
);
create index evaluation_comment_of on evaluation_comment (service_id, state);
create index evaluation_comment_waiting on evaluation_comment (id) where state = 'waiting';

-- Forms of open addresses that were sent, so that one is counted once. Gone after two days.
create table evaluation_stamp (
    hash bytea primary key constraint evaluation_stamp_hash_length check (octet_length(hash) = 32),
    day date not null
);
create index evaluation_stamp_day on evaluation_stamp (day);

-- Manifestations that other bodies tell of; the last row of a service and year holds.
create table evaluation_manifestation (
    id bigint generated always as identity primary key,
    service_id uuid not null references evaluation_service (id),
    year integer not null constraint evaluation_manifestation_year_range check (year between 2000 and 2200),
    manifestations integer not null constraint evaluation_manifestation_range check (manifestations between 0 and 10000000),
    source text not null constraint evaluation_manifestation_source_length check (char_length(btrim(source)) between 1 and 300),
    at timestamptz not null,
    by text not null
);
create index evaluation_manifestation_last on evaluation_manifestation (service_id, year, id desc);
create trigger evaluation_manifestation_append_only before update or delete or truncate on evaluation_manifestation
    for each statement execute function refuse_rewrite();

-- Yearly reports as they went out. A correction is another row; each holds the hash of the one before.
create table evaluation_report (
    id uuid primary key,
    year integer not null,
    seq integer not null constraint evaluation_report_seq_positive check (seq >= 1),
    document jsonb not null constraint evaluation_report_document_object check (jsonb_typeof(document) = 'object'),
    reason text not null constraint evaluation_report_reason_length check (char_length(reason) <= 500),
    prev bytea constraint evaluation_report_prev_length check (octet_length(prev) = 32),
    hash bytea not null constraint evaluation_report_hash_length check (octet_length(hash) = 32),
    at timestamptz not null,
    by text not null,
    constraint evaluation_report_first check ((seq = 1) = (prev is null) and (seq = 1 or btrim(reason) <> ''))
);
create unique index evaluation_report_seq_once on evaluation_report (year, seq);
create trigger evaluation_report_append_only before update or delete or truncate on evaluation_report
    for each statement execute function refuse_rewrite();
