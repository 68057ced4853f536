-- Volunteers and the neighbourhoods' nuclei of civil defense (NUPDEC): who they are, what they can do, who was called and came, for how long.
create table volunteer (
    id uuid primary key,
    name text not null constraint volunteer_name_length check (char_length(name) <= 120),
    channel text not null constraint volunteer_channel_known check (channel in ('sms', 'email')),
    -- E.164 or a mailbox, proven by a code. Empty once they left.
    address text not null constraint volunteer_address_length check (char_length(address) <= 254),
    district text not null default '' constraint volunteer_district_length check (char_length(district) <= 120),
    skills text[] not null default '{}' constraint volunteer_skills_known check (skills <@ array['first_aid', 'health', 'psychology', 'cooking',
        'driving', 'boat', 'rescue', 'electrical', 'construction', 'radio', 'logistics', 'animals', 'social', 'languages']),
    language text not null,
    state text not null constraint volunteer_state_known check (state in ('registered', 'accepted', 'left')),
    consent_at timestamptz not null,
    created_at timestamptz not null,
    left_at timestamptz,
    constraint volunteer_left_whole check ((state = 'left') = (left_at is not null) and (state = 'left') = (address = ''))
);
create unique index volunteer_address_unique on volunteer (channel, address) where state <> 'left';

-- A form that waits for its code.
create table volunteer_signup (
    code_id uuid primary key references resident_code (id) on delete cascade,
    sealed bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

create table volunteer_callout (
    id uuid primary key,
    incident_id uuid references incident (id),
    text text not null constraint volunteer_callout_text_length check (char_length(btrim(text)) between 1 and 300),
    -- Only whoever can do one of these; empty = everybody.
    skills text[] not null default '{}',
    district text not null default '',
    wanted integer not null constraint volunteer_callout_wanted_range check (wanted between 1 and 5000),
    called_at timestamptz not null,
    called_by text not null,
    expires_at timestamptz not null,
    closed_at timestamptz,
    constraint volunteer_callout_span check (expires_at > called_at)
);
create table volunteer_call (
    id uuid primary key,
    callout_id uuid not null references volunteer_callout (id),
    volunteer_id uuid not null references volunteer (id),
    notice_id uuid not null,
    -- By which an SMS answers this one.
    code text not null constraint volunteer_call_code_shape check (code ~ '^[0-9]{4}$'),
    answer text constraint volunteer_call_answer_known check (answer in ('yes', 'no')),
    answered_at timestamptz,
    answered_how text constraint volunteer_call_how_known check (answered_how in ('link', 'sms')),
    constraint volunteer_call_once unique (callout_id, volunteer_id),
    constraint volunteer_call_answered_whole check (num_nonnulls(answer, answered_at, answered_how) in (0, 3))
);
create index volunteer_call_volunteer on volunteer_call (volunteer_id);

-- From the moment somebody came until they went.
create table volunteer_presence (
    id uuid primary key,
    volunteer_id uuid not null references volunteer (id),
    incident_id uuid references incident (id),
    task text not null default '' constraint volunteer_presence_task_length check (char_length(task) <= 200),
    in_at timestamptz not null,
    in_by text not null,
    out_at timestamptz,
    out_by text,
    constraint volunteer_presence_span check (out_at >= in_at and out_at - in_at <= interval '24 hours'),
    constraint volunteer_presence_out_whole check ((out_at is null) = (out_by is null))
);
create unique index volunteer_presence_one on volunteer_presence (volunteer_id) where out_at is null;
create index volunteer_presence_volunteer on volunteer_presence (volunteer_id, in_at);

create table nupdec (
    id uuid primary key,
    name text not null constraint nupdec_name_length check (char_length(btrim(name)) between 1 and 120),
    district text not null default '' constraint nupdec_district_length check (char_length(district) <= 120),
    created_at timestamptz not null
);
create unique index nupdec_name_unique on nupdec (lower(btrim(name)));
create table nupdec_member (
    nupdec_id uuid not null references nupdec (id),
    volunteer_id uuid not null references volunteer (id),
    role text not null constraint nupdec_member_role_known check (role in ('coordinator', 'member')),
    since_at timestamptz not null,
    primary key (nupdec_id, volunteer_id)
);
create table nupdec_drill (
    id bigint generated always as identity primary key,
    nupdec_id uuid not null references nupdec (id),
    held_on date not null,
    what text not null constraint nupdec_drill_what_length check (char_length(btrim(what)) between 1 and 300),
    people integer not null constraint nupdec_drill_people_range check (people between 0 and 100000),
    noted_by text not null
);
create table nupdec_radio (
    id bigint generated always as identity primary key,
    nupdec_id uuid not null references nupdec (id),
    call_sign text not null constraint nupdec_radio_call_sign_length check (char_length(btrim(call_sign)) between 1 and 60),
    channel text not null default '' constraint nupdec_radio_channel_length check (char_length(channel) <= 60),
    noted_by text not null
);
