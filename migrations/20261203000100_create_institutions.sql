-- Schools, hospitals, companies: told of every alert that holds for where they are, one contact after the other until somebody there says
-- that they have seen it.
create table institution (
    id uuid primary key,
    -- The importer's own key, so that an import can be run again.
    external_ref text constraint institution_external_ref_unique unique,
    name text not null constraint institution_name_length check (char_length(btrim(name)) between 1 and 160),
    kind text not null constraint institution_kind_known check (kind in
        ('school', 'hospital', 'care_home', 'company', 'public_office', 'other')),
    geom geometry(Point, 4326) not null,
    precision_m integer not null constraint institution_precision_range check (precision_m between 0 and 100000),
    address_text text not null default '' constraint institution_address_text_length check (char_length(address_text) <= 300),
    -- Who is there on a usual day; 0 when nobody said.
    people integer not null default 0 constraint institution_people_range check (people between 0 and 100000),
    created_at timestamptz not null,
    changed_at timestamptz not null,
    -- Closed ones are told nothing and keep what was told.
    closed_at timestamptz
);
create index institution_reach_gist on institution using gist (st_expand(geom, precision_m / 78000.0)) where closed_at is null;

create table institution_contact (
    id bigint generated always as identity primary key,
    institution_id uuid not null references institution (id) on delete cascade,
    -- Who is told first; 1 is.
    position smallint not null constraint institution_contact_position_range check (position between 1 and 10),
    name text not null constraint institution_contact_name_length check (char_length(btrim(name)) between 1 and 120),
    -- E.164.
    phone text constraint institution_contact_phone_shape check (phone ~ '^\+[1-9][0-9]{7,14}$'),
    email text constraint institution_contact_email_length check (char_length(email) between 3 and 254),
    constraint institution_contact_reachable check (num_nonnulls(phone, email) > 0),
    constraint institution_contact_position_unique unique (institution_id, position) deferrable initially deferred
);

-- One alert to one institution, with what is due next.
create table institution_warning (
    id uuid primary key,
    alert_id uuid not null references alert (id),
    institution_id uuid not null references institution (id),
    opened_at timestamptz not null,
    -- The last contact that was told; 0 while none was.
    position smallint not null default 0,
    -- When the next one is.
    next_at timestamptz not null,
    acknowledged_at timestamptz,
    acknowledged_by text,
    ended_at timestamptz,
    -- told: an end of danger, of which nobody has to say anything. over: the alert ended first. nobody: there is no contact.
    ended_as text constraint institution_warning_end_known check (ended_as in ('acknowledged', 'unanswered', 'told', 'over', 'nobody')),
    constraint institution_warning_once unique (alert_id, institution_id),
    constraint institution_warning_ended_whole check ((ended_at is null) = (ended_as is null)),
    constraint institution_warning_acknowledged_whole check ((acknowledged_at is null) = (acknowledged_by is null))
);
create index institution_warning_due on institution_warning (next_at) where ended_at is null;

-- One message to one contact. The address is in the notice alone and goes with it.
create table institution_message (
    id uuid primary key,
    warning_id uuid not null references institution_warning (id) on delete cascade,
    position smallint not null,
    contact text not null,
    channel text not null constraint institution_message_channel_known check (channel in ('sms', 'email')),
    at timestamptz not null,
    notice_id uuid not null,
    state text not null constraint institution_message_state_known check (state in
        ('pending', 'sending', 'accepted', 'unknown', 'delivered', 'rejected', 'expired', 'suppressed'))
);
create index institution_message_warning on institution_message (warning_id, at);
create index institution_message_notice on institution_message (notice_id);
create function follow_notice_of_institution() returns trigger language plpgsql as $$
begin
    update institution_message set state = new.state where notice_id = new.id;
    return null;
end $$;
create trigger notice_of_institution after update of state on notice
    for each row when (new.purpose = 'institution') execute function follow_notice_of_institution();
