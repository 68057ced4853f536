-- People of the field, vehicles, equipment and the teams they form; what is asked for, who is sent, and each step with its time.
create table resource (
    id uuid primary key,
    -- The town's own key, so that an import can be run again.
    code text not null constraint resource_code_unique unique constraint resource_code_shape check (code ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$'),
    class text not null constraint resource_class_known check (class in ('person', 'vehicle', 'equipment', 'team')),
    kind text not null constraint resource_kind_length check (char_length(kind) between 1 and 40),
    -- ICS typing of its capability, 1 the most; none: it is not typed.
    typing smallint constraint resource_typing_range check (typing between 1 and 4),
    name text not null constraint resource_name_length check (char_length(btrim(name)) between 1 and 120),
    -- The account of a person who has one.
    staff_id uuid references staff (id),
    -- Of a person, E.164; empty: none.
    phone text not null default '' constraint resource_phone_shape check (phone = '' or phone ~ '^\+[1-9][0-9]{7,14}$'),
    skills text[] not null default '{}' constraint resource_skills_known check (skills <@ array['command', 'first_aid', 'health', 'psychology', 'driving',
        'heavy_machine', 'boat', 'rescue', 'chainsaw', 'engineering', 'geology', 'electrical', 'radio', 'drone', 'logistics', 'animals', 'social']),
    -- Where it stands when nobody needs it.
    base text not null default '' constraint resource_base_length check (char_length(base) <= 200),
    condition text not null default 'in_service' constraint resource_condition_known check (condition in ('in_service', 'maintenance', 'retired')),
    condition_reason text not null default '' constraint resource_condition_reason_length check (char_length(condition_reason) <= 500),
    condition_at timestamptz not null,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint resource_class_unique unique (id, class),
    constraint resource_person_only check (class = 'person' or (staff_id is null and phone = '' and skills = '{}'))
);
create unique index resource_staff_one on resource (staff_id) where staff_id is not null and condition <> 'retired';

-- Who and what belongs to a team. Nothing belongs to two at a time, and a team has one leader.
create table team_member (
    id bigint generated always as identity primary key,
    team_id uuid not null,
    team_class text not null default 'team' constraint team_member_team check (team_class = 'team'),
    resource_id uuid not null,
    resource_class text not null constraint team_member_class check (resource_class in ('person', 'vehicle', 'equipment')),
    leads boolean not null default false,
    since_at timestamptz not null,
    since_by text not null,
    until_at timestamptz,
    until_by text,
    constraint team_member_team_fk foreign key (team_id, team_class) references resource (id, class),
    constraint team_member_resource_fk foreign key (resource_id, resource_class) references resource (id, class),
    constraint team_member_leader check (not leads or resource_class = 'person'),
    constraint team_member_until_whole check ((until_at is null) = (until_by is null)),
    constraint team_member_span check (until_at >= since_at)
);
create unique index team_member_one on team_member (resource_id) where until_at is null;
create unique index team_member_leads_one on team_member (team_id) where until_at is null and leads;
create index team_member_team on team_member (team_id) where until_at is null;

-- When somebody works, or something can be had. Who has an account is also on shift when a rota says so.
create table resource_shift (
    id bigint generated always as identity primary key,
    resource_id uuid not null references resource (id),
    from_at timestamptz not null,
    until_at timestamptz not null,
    added_at timestamptz not null,
    added_by text not null,
    withdrawn_at timestamptz,
    withdrawn_by text,
    constraint resource_shift_span check (until_at > from_at and until_at - from_at <= interval '31 days'),
    constraint resource_shift_withdrawn_whole check ((withdrawn_at is null) = (withdrawn_by is null))
);
create index resource_shift_resource on resource_shift (resource_id, until_at) where withdrawn_at is null;

-- What is asked for: so many of a kind, for an incident or an occurrence.
create table resource_request (
    id uuid primary key,
    number text not null constraint resource_request_number_unique unique,
    incident_id uuid references incident (id),
    occurrence_id uuid references occurrence (id),
    kind text not null constraint resource_request_kind_length check (char_length(kind) between 1 and 40),
    typing smallint constraint resource_request_typing_range check (typing between 1 and 4),
    wanted integer not null constraint resource_request_wanted_range check (wanted between 1 and 50),
    skills text[] not null default '{}' constraint resource_request_skills_count check (cardinality(skills) <= 20),
    -- What they are to do.
    task text not null constraint resource_request_task_length check (char_length(btrim(task)) between 1 and 500),
    requested_at timestamptz not null,
    requested_by text not null,
    closed_at timestamptz,
    closed_by text,
    close_reason text not null default '' constraint resource_request_close_reason_length check (char_length(close_reason) <= 500),
    constraint resource_request_for_something check (num_nonnulls(incident_id, occurrence_id) >= 1),
    constraint resource_request_closed_whole check ((closed_at is null) = (closed_by is null))
);
create index resource_request_incident on resource_request (incident_id) where incident_id is not null;
create index resource_request_occurrence on resource_request (occurrence_id) where occurrence_id is not null;
create index resource_request_open on resource_request (requested_at) where closed_at is null;

-- One resource that was given to a request.
create table deployment (
    id uuid primary key,
    request_id uuid not null references resource_request (id),
    resource_id uuid not null references resource (id),
    state text not null constraint deployment_state_known check (state in ('assigned', 'accepted', 'en_route', 'on_site', 'released', 'declined', 'cancelled')),
    assigned_at timestamptz not null,
    assigned_by text not null,
    -- What spoke against it, in words of the program, and why it was done all the same.
    overruled text[] not null default '{}',
    override_reason text not null default '' constraint deployment_override_reason_length check (char_length(override_reason) <= 500),
    accepted_at timestamptz,
    en_route_at timestamptz,
    on_site_at timestamptz,
    ended_at timestamptz,
    constraint deployment_ended_whole check ((ended_at is not null) = (state in ('released', 'declined', 'cancelled'))),
    constraint deployment_overruled_because check (cardinality(overruled) = 0 or char_length(btrim(override_reason)) > 0)
);
create index deployment_request on deployment (request_id, assigned_at);
create index deployment_resource on deployment (resource_id, assigned_at);
create index deployment_ended on deployment (ended_at) where ended_at is not null;

-- What a deployment binds: the resource itself, and of a team everybody and everything in it then. Nothing is bound twice at a time.
create table deployment_unit (
    deployment_id uuid not null references deployment (id),
    resource_id uuid not null references resource (id),
    from_at timestamptz not null,
    until_at timestamptz,
    primary key (deployment_id, resource_id)
);
create unique index deployment_unit_once on deployment_unit (resource_id) where until_at is null;
create index deployment_unit_resource on deployment_unit (resource_id);

-- Every step, with when it happened and when it was told: a telephone without a net tells later, and perhaps twice with the same key.
create table deployment_step (
    id bigint generated always as identity primary key,
    deployment_id uuid not null references deployment (id),
    act text not null constraint deployment_step_act_known check (act in ('assign', 'accept', 'en_route', 'on_site', 'release', 'decline', 'cancel')),
    state text not null,
    at timestamptz not null,
    told_at timestamptz not null,
    actor text not null,
    reason text not null default '' constraint deployment_step_reason_length check (char_length(reason) <= 500),
    key text constraint deployment_step_key_shape check (key ~ '^[A-Za-z0-9._:-]{8,80}$'),
    constraint deployment_step_key_once unique (deployment_id, key)
);
create index deployment_step_deployment on deployment_step (deployment_id, id);
create trigger deployment_step_append_only before update or delete on deployment_step for each row execute function refuse_rewriting();

-- Where they said they were. Removed some days after the end (privacy.deployment_position_days).
create table deployment_position (
    id bigint generated always as identity primary key,
    deployment_id uuid not null references deployment (id),
    at timestamptz not null,
    told_at timestamptz not null,
    geom geometry(Point, 4326) not null,
    -- Metres; none: the telephone did not say.
    accuracy_m integer constraint deployment_position_accuracy_range check (accuracy_m between 0 and 100000),
    actor text not null,
    constraint deployment_position_once unique (deployment_id, at)
);
