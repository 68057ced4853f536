-- Collegiate bodies of the secretariat (councils, committees, commissions): act of creation, rules, seats, mandates, meetings and what they decide.
-- What happened in a meeting is never rewritten: a later row takes the place of an earlier one.

create table body (
    id uuid primary key,
    -- In addresses of pages.
    slug text not null constraint body_slug_shape check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) between 2 and 60),
    name text not null constraint body_name_length check (char_length(btrim(name)) between 3 and 200),
    kind text not null constraint body_kind_known check (kind in ('council', 'committee', 'commission', 'working_group', 'ethics')),
    act_kind text not null constraint body_act_kind_known check (act_kind in ('law', 'decree', 'ordinance', 'resolution')),
    act_number text not null constraint body_act_number_length check (char_length(btrim(act_number)) between 1 and 40),
    act_on date not null,
    purpose text not null constraint body_purpose_length check (char_length(btrim(purpose)) between 1 and 2000),
    law_ref text not null default '' constraint body_law_ref_length check (char_length(law_ref) <= 300),
    contact text not null default '' constraint body_contact_length check (char_length(contact) <= 200),
    -- The first and last day of its term; no last day: until it is dissolved.
    term_from date not null,
    term_until date,
    -- src/secretariat/kernel/body/mod.rs says the form.
    rules jsonb not null constraint body_rules_object check (jsonb_typeof(rules) = 'object'),
    revision integer not null default 1,
    ended_on date,
    ended_reason text not null default '' constraint body_ended_reason_length check (char_length(ended_reason) <= 500),
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint body_term_order check (term_until >= term_from),
    constraint body_ended_whole check ((ended_on is null) = (ended_reason = ''))
);
create unique index body_slug_once on body (slug);

-- What may be known of a person: the name, and a contact that they chose to make public.
create table body_person (
    id uuid primary key,
    name text not null constraint body_person_name_length check (char_length(btrim(name)) between 3 and 160),
    contact text not null default '' constraint body_person_contact_length check (char_length(contact) <= 200),
    -- Their account, so that a recused member does not read what they may not.
    staff_id uuid references staff (id),
    created_at timestamptz not null
);
create unique index body_person_account_once on body_person (staff_id) where staff_id is not null;
create index body_person_name on body_person (lower(name), id);

-- What is the person's own: where convenings go. Apart, so that no page or export reads it by oversight.
create table body_person_private (
    person_id uuid primary key references body_person (id),
    email text not null constraint body_person_private_email_length check (char_length(email) between 3 and 254),
    changed_at timestamptz not null
);

create table body_seat (
    id uuid primary key,
    body_id uuid not null references body (id),
    position integer not null constraint body_seat_position_range check (position between 1 and 200),
    entity text not null constraint body_seat_entity_length check (char_length(btrim(entity)) between 1 and 200),
    role text not null constraint body_seat_role_known check (role in ('chair', 'vice', 'secretary', 'member')),
    created_at timestamptz not null,
    ended_on date
);
create unique index body_seat_position_once on body_seat (body_id, position) where ended_on is null;
create unique index body_seat_role_once on body_seat (body_id, role) where ended_on is null and role <> 'member';

create table body_mandate (
    id uuid primary key,
    seat_id uuid not null references body_seat (id),
    body_id uuid not null references body (id),
    person_id uuid not null references body_person (id),
    capacity text not null constraint body_mandate_capacity_known check (capacity in ('titular', 'substitute')),
    from_on date not null,
    until_on date not null,
    act text not null constraint body_mandate_act_length check (char_length(btrim(act)) between 1 and 200),
    -- The last day it held when it ended before its time.
    ended_on date,
    ended_reason text not null default '' constraint body_mandate_ended_reason_length check (char_length(ended_reason) <= 500),
    created_at timestamptz not null,
    constraint body_mandate_order check (until_on >= from_on),
    constraint body_mandate_ended_whole check ((ended_on is null) = (ended_reason = ''))
);
create index body_mandate_seat on body_mandate (seat_id, from_on);
create index body_mandate_body on body_mandate (body_id, person_id);
create index body_mandate_person on body_mandate (person_id);
create index body_mandate_until on body_mandate (until_on) where ended_on is null;

create table body_meeting (
    id uuid primary key,
    body_id uuid not null references body (id),
    year integer not null,
    number integer not null,
    kind text not null constraint body_meeting_kind_known check (kind in ('ordinary', 'extraordinary')),
    state text not null constraint body_meeting_state_known check (state in
        ('convened', 'opened', 'held', 'drafted', 'approved', 'published', 'cancelled', 'no_quorum')),
    starts_at timestamptz not null,
    place text not null constraint body_meeting_place_length check (char_length(btrim(place)) between 1 and 300),
    -- Why it could not wait for the next ordinary one.
    urgency text not null default '' constraint body_meeting_urgency_length check (char_length(urgency) <= 500),
    -- The first day or hour that the notice allowed, by which rule, and how that was reckoned.
    earliest_at timestamptz not null,
    notice_law_ref text not null,
    notice_trace jsonb not null,
    convened_at timestamptz not null,
    convened_by text not null,
    opened_at timestamptz,
    -- Which call opened it.
    opened_call smallint constraint body_meeting_call_known check (opened_call in (1, 2)),
    ended_at timestamptz,
    cancel_reason text not null default '' constraint body_meeting_cancel_reason_length check (char_length(cancel_reason) <= 500),
    minutes text not null default '' constraint body_meeting_minutes_length check (char_length(minutes) <= 60000),
    minutes_revision integer not null default 0,
    approved_how text constraint body_meeting_approved_how_known check (approved_how in ('meeting', 'circulated')),
    approved_in uuid references body_meeting (id),
    approvals integer,
    approved_at timestamptz,
    approved_by text,
    -- Of the text that was approved, and of the document made of it.
    minutes_sha256 text constraint body_meeting_minutes_sha256_shape check (minutes_sha256 ~ '^[0-9a-f]{64}$'),
    pdf_sha256 text constraint body_meeting_pdf_sha256_shape check (pdf_sha256 ~ '^[0-9a-f]{64}$'),
    pdf bytea,
    published_at timestamptz,
    -- Rises with each change that readers of calendars see.
    sequence integer not null default 0,
    changed_at timestamptz not null,
    constraint body_meeting_opened_whole check ((opened_at is null) = (opened_call is null)),
    constraint body_meeting_cancelled_whole check ((state = 'cancelled') = (cancel_reason <> '')),
    constraint body_meeting_approved_whole check ((approved_at is null) = (approved_how is null)
        and (approved_at is null) = (minutes_sha256 is null) and (approved_at is null) = (pdf_sha256 is null)),
    -- No minutes are published that nobody approved.
    constraint body_meeting_published_approved check (published_at is null or approved_at is not null),
    constraint body_meeting_state_approved check ((state in ('approved', 'published')) = (approved_at is not null))
);
create unique index body_meeting_number_once on body_meeting (body_id, year, number);
create index body_meeting_starts on body_meeting (body_id, starts_at);

-- Each count at the door, also one that was in vain.
create table body_call (
    id bigint generated always as identity primary key,
    meeting_id uuid not null references body_meeting (id),
    call smallint not null constraint body_call_known check (call in (1, 2)),
    present integer not null,
    needed integer not null,
    seats integer not null,
    reached boolean not null,
    at timestamptz not null,
    by text not null,
    constraint body_call_reached_true check (reached = (present >= needed))
);
create unique index body_call_once on body_call (meeting_id, call);
create trigger body_call_append_only before update or delete or truncate on body_call
    for each statement execute function refuse_rewrite();

create table body_item (
    id uuid primary key,
    meeting_id uuid not null references body_meeting (id),
    position integer not null constraint body_item_position_range check (position between 1 and 100),
    title text not null constraint body_item_title_length check (char_length(btrim(title)) between 1 and 300),
    text text not null default '' constraint body_item_text_length check (char_length(text) <= 4000),
    restricted boolean not null default false,
    -- What was said of it, for the minutes.
    notes text not null default '' constraint body_item_notes_length check (char_length(notes) <= 4000),
    created_at timestamptz not null
);
create unique index body_item_position_once on body_item (meeting_id, position);

create table body_document (
    id uuid primary key,
    item_id uuid not null references body_item (id),
    name text not null constraint body_document_name_length check (char_length(btrim(name)) between 1 and 160),
    sha256 text not null constraint body_document_sha256_shape check (sha256 ~ '^[0-9a-f]{64}$'),
    bytes bytea not null constraint body_document_size check (octet_length(bytes) between 1 and 5242880),
    at timestamptz not null,
    by text not null
);
create index body_document_item on body_document (item_id, at);
create trigger body_document_append_only before update or delete or truncate on body_document
    for each statement execute function refuse_rewrite();

-- The last row of a seat holds: present, or gone.
create table body_attendance (
    id bigint generated always as identity primary key,
    meeting_id uuid not null references body_meeting (id),
    seat_id uuid not null references body_seat (id),
    person_id uuid not null references body_person (id),
    capacity text not null constraint body_attendance_capacity_known check (capacity in ('titular', 'substitute')),
    present boolean not null,
    at timestamptz not null,
    by text not null
);
create index body_attendance_meeting on body_attendance (meeting_id, seat_id, id desc);
create trigger body_attendance_append_only before update or delete or truncate on body_attendance
    for each statement execute function refuse_rewrite();

create table body_recusal (
    id bigint generated always as identity primary key,
    item_id uuid not null references body_item (id),
    person_id uuid not null references body_person (id),
    reason text not null constraint body_recusal_reason_length check (char_length(btrim(reason)) between 1 and 500),
    at timestamptz not null,
    by text not null
);
create unique index body_recusal_once on body_recusal (item_id, person_id);
create index body_recusal_person on body_recusal (person_id);
create trigger body_recusal_append_only before update or delete or truncate on body_recusal
    for each statement execute function refuse_rewrite();

-- The last row of a seat holds.
create table body_vote (
    id bigint generated always as identity primary key,
    item_id uuid not null references body_item (id),
    seat_id uuid not null references body_seat (id),
    person_id uuid not null references body_person (id),
    choice text not null constraint body_vote_choice_known check (choice in ('for', 'against', 'abstain')),
    at timestamptz not null,
    by text not null
);
create index body_vote_item on body_vote (item_id, seat_id, id desc);
create trigger body_vote_append_only before update or delete or truncate on body_vote
    for each statement execute function refuse_rewrite();

create table body_decision (
    item_id uuid primary key references body_item (id),
    how text not null constraint body_decision_how_known check (how in ('roll_call', 'counted')),
    votes_for integer not null,
    votes_against integer not null,
    votes_abstain integer not null,
    -- What the chair said of a tie.
    casting text constraint body_decision_casting_known check (casting in ('for', 'against')),
    present integer not null,
    seats integer not null,
    quorum integer not null,
    needed integer not null,
    approved boolean not null,
    reason text not null,
    at timestamptz not null,
    by text not null,
    constraint body_decision_quorum check (present >= quorum),
    constraint body_decision_votes check (votes_for >= 0 and votes_against >= 0 and votes_abstain >= 0
        and votes_for + votes_against + votes_abstain <= present)
);
create trigger body_decision_append_only before update or delete or truncate on body_decision
    for each statement execute function refuse_rewrite();

create table body_resolution (
    id uuid primary key,
    body_id uuid not null references body (id),
    year integer not null,
    number integer not null,
    -- An item that was decided: without a decision there was no quorum, and without quorum there is no resolution.
    item_id uuid not null references body_decision (item_id),
    text text not null constraint body_resolution_text_length check (char_length(btrim(text)) between 1 and 8000),
    restricted boolean not null,
    -- What somebody shall do because of it; empty: nothing.
    determination text not null default '' constraint body_resolution_determination_length check (char_length(determination) <= 2000),
    determination_to text not null default '' constraint body_resolution_determination_to_length check (char_length(determination_to) <= 200),
    -- The case that came of it, once there is one.
    spawned_case uuid,
    at timestamptz not null,
    by text not null,
    constraint body_resolution_determination_whole check ((determination = '') = (determination_to = '')),
    constraint body_resolution_spawned_wanted check (spawned_case is null or determination <> '')
);
create unique index body_resolution_number_once on body_resolution (body_id, year, number);
create unique index body_resolution_item_once on body_resolution (item_id);
create index body_resolution_wanted on body_resolution (at, id) where determination <> '' and spawned_case is null;

-- A resolution is never rewritten; only the case that came of it is named, once.
create function body_resolution_keep() returns trigger language plpgsql as $$
begin
    if old.spawned_case is not null or new.spawned_case is null
        or (to_jsonb(new) - 'spawned_case') <> (to_jsonb(old) - 'spawned_case') then
        raise exception 'a resolution is never rewritten' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger body_resolution_kept before update on body_resolution
    for each row execute function body_resolution_keep();
create trigger body_resolution_append_only before delete or truncate on body_resolution
    for each statement execute function refuse_rewrite();

-- What the public reads: approved fields only, as they were written down. The last of a key holds.
create table body_snapshot (
    id bigint generated always as identity primary key,
    body_id uuid not null references body (id),
    key text not null constraint body_snapshot_key_shape check (key ~ '^(card|minutes/[0-9]{4}-[0-9]{1,6})$'),
    document jsonb not null constraint body_snapshot_document_object check (jsonb_typeof(document) = 'object'),
    at timestamptz not null,
    by text not null
);
create index body_snapshot_key on body_snapshot (body_id, key, id desc);
create trigger body_snapshot_append_only before update or delete or truncate on body_snapshot
    for each statement execute function refuse_rewrite();
