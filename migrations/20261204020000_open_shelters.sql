-- Shelters, who opened and checked them, and the persons in them. Names and documents lie sealed in the vault under the person's id; what lies
-- here counts people and says what help they need, by the code of their wristband.
create table shelter (
    id uuid primary key,
    -- The town's own key, so that an import can be run again.
    code text not null constraint shelter_code_unique unique constraint shelter_code_shape check (code ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$'),
    name text not null constraint shelter_name_length check (char_length(btrim(name)) between 1 and 160),
    geom geometry(Point, 4326) not null,
    address_text text not null default '' constraint shelter_address_text_length check (char_length(address_text) <= 300),
    -- Persons.
    capacity integer not null constraint shelter_capacity_range check (capacity between 1 and 20000),
    rooms integer not null default 0 constraint shelter_rooms_range check (rooms between 0 and 1000),
    accessible boolean not null default false,
    pets boolean not null default false,
    kitchen boolean not null default false,
    -- Whom to call, and who has the keys.
    contact text not null default '' constraint shelter_contact_length check (char_length(contact) <= 300),
    keys text not null default '' constraint shelter_keys_length check (char_length(keys) <= 300),
    state text not null default 'closed' constraint shelter_state_known check (state in ('closed', 'opening', 'open', 'full', 'closing')),
    -- The opening that runs.
    opening_id uuid,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint shelter_opening_whole check ((state = 'closed') = (opening_id is null))
);
create index shelter_geom_gist on shelter using gist (geom);

-- From the decision to open until the last person has left.
create table shelter_opening (
    id uuid primary key,
    shelter_id uuid not null references shelter (id),
    incident_id uuid not null references incident (id),
    begun_at timestamptz not null,
    begun_by text not null,
    opened_at timestamptz,
    closed_at timestamptz,
    constraint shelter_opening_order check (opened_at >= begun_at and closed_at >= begun_at)
);
create unique index shelter_opening_one on shelter_opening (shelter_id) where closed_at is null;
create index shelter_opening_incident on shelter_opening (incident_id, begun_at);
alter table shelter add constraint shelter_opening_fk foreign key (opening_id) references shelter_opening (id);

-- Every change of state with its reason.
create table shelter_event (
    id bigint generated always as identity primary key,
    shelter_id uuid not null references shelter (id),
    opening_id uuid not null references shelter_opening (id),
    at timestamptz not null,
    actor text not null,
    act text not null,
    state text not null,
    reason text not null default '' constraint shelter_event_reason_length check (char_length(reason) <= 1000)
);
create index shelter_event_shelter on shelter_event (shelter_id, id);

-- What was looked at before it opened, by whom. The newest row of an item counts.
create table shelter_check (
    id bigint generated always as identity primary key,
    opening_id uuid not null references shelter_opening (id),
    item text not null constraint shelter_check_item_known check (item in ('water', 'light', 'bathrooms', 'kitchen', 'team', 'safety')),
    good boolean not null,
    note text not null default '' constraint shelter_check_note_length check (char_length(note) <= 500),
    at timestamptz not null,
    actor text not null
);
create index shelter_check_opening on shelter_check (opening_id, item, id);

-- A family as it came. It consented to being registered, or nobody is.
create table household (
    id uuid primary key,
    -- Of the card they carry.
    code text not null constraint household_code_unique unique constraint household_code_shape check (code ~ '^F[2-9A-HJKMNP-Z]{6}$'),
    incident_id uuid not null references incident (id),
    -- Neighbourhood they come from; no street and no number.
    district text not null default '' constraint household_district_length check (char_length(district) <= 120),
    pets integer not null default 0 constraint household_pets_range check (pets between 0 and 50),
    consent_at timestamptz not null,
    -- The wording they consented to.
    consent_text text not null constraint household_consent_text_length check (char_length(consent_text) between 1 and 60),
    -- Apart: that kinds of help, which say something of health, are written down (LGPD, art. 11).
    needs_consent_at timestamptz,
    created_at timestamptz not null,
    created_by text not null
);
create index household_incident on household (incident_id, created_at);

create table displaced_person (
    id uuid primary key,
    household_id uuid not null references household (id),
    -- Of the wristband.
    code text not null constraint displaced_person_code_unique unique constraint displaced_person_code_shape check (code ~ '^P[2-9A-HJKMNP-Z]{6}$'),
    age text not null constraint displaced_person_age_known check (age in ('infant', 'child', 'adolescent', 'adult', 'elder')),
    needs text[] not null default '{}' constraint displaced_person_needs_known check (needs <@ array['mobility', 'medication', 'oxygen', 'pregnant',
        'nursing', 'hearing', 'sight', 'mental', 'diet', 'other']),
    created_at timestamptz not null,
    created_by text not null
);
create index displaced_person_household on displaced_person (household_id);
create function needs_follow_consent() returns trigger language plpgsql as $$
begin
    if cardinality(new.needs) > 0 and not exists (select from household h where h.id = new.household_id and h.needs_consent_at is not null) then
        raise exception 'displaced_person_needs_consent: the household did not consent to kinds of help'
            using errcode = 'check_violation', constraint = 'displaced_person_needs_consent';
    end if;
    return new;
end $$;
create trigger displaced_person_needs_consent before insert or update of needs on displaced_person
    for each row execute function needs_follow_consent();

-- Where a person is, from when to when: in a shelter (desabrigado), or elsewhere by own means (desalojado; Lei 14.750/2023). One place at a time.
create table stay (
    id uuid primary key,
    person_id uuid not null references displaced_person (id),
    shelter_id uuid references shelter (id),
    opening_id uuid references shelter_opening (id),
    -- Of whoever stays elsewhere: with whom.
    host text constraint stay_host_known check (host in ('relatives', 'friends', 'rented', 'other')),
    from_at timestamptz not null,
    from_by text not null,
    -- Why somebody was taken in beyond the capacity.
    override_reason text not null default '' constraint stay_override_reason_length check (char_length(override_reason) <= 500),
    until_at timestamptz,
    until_by text,
    ended_as text constraint stay_end_known check (ended_as in ('left', 'transferred', 'undone')),
    destination text constraint stay_destination_known check (destination in ('home', 'relatives', 'rented', 'hospital', 'other_town', 'unknown', 'other')),
    reason text not null default '' constraint stay_reason_length check (char_length(reason) <= 500),
    constraint stay_place_one check ((shelter_id is null) = (host is not null) and (shelter_id is null) = (opening_id is null)),
    constraint stay_ended_whole check ((until_at is null) = (until_by is null) and (until_at is null) = (ended_as is null)),
    constraint stay_span check (until_at >= from_at),
    constraint stay_destination_when_left check ((destination is not null) = (ended_as is not distinct from 'left')),
    constraint stay_undone_because check (ended_as <> 'undone' or char_length(btrim(reason)) > 0)
);
create unique index stay_one_at_a_time on stay (person_id) where until_at is null;
create index stay_shelter_open on stay (shelter_id) where until_at is null and shelter_id is not null;
create index stay_person on stay (person_id, from_at);

create function refuse_rewriting() returns trigger language plpgsql as $$
begin
    raise exception '%: rows of % are appended and never changed', tg_name, tg_table_name using errcode = 'check_violation';
end $$;
create trigger shelter_event_append_only before update or delete on shelter_event for each row execute function refuse_rewriting();
create trigger shelter_check_append_only before update or delete on shelter_check for each row execute function refuse_rewriting();

alter table vault_record drop constraint vault_record_purpose_known;
alter table vault_record add constraint vault_record_purpose_known check (purpose in ('whistleblower', 'shelter_health', 'resident_needs',
    'sheltered_person', 'aid_receipt'));
