-- Station health: what is wrong with which station, stream or device, since when, and what the numbers are. A row is opened
-- and closed by src/stations/health; while it is open, `reason` and `seen_at` follow the newest judgement.
create table station_fault (
    id bigint generated always as identity primary key,
    station_id bigint not null references station (id) on delete cascade,
    datastream_id bigint references datastream (id) on delete cascade,
    device_id bigint references device (id) on delete cascade,
    kind text not null constraint station_fault_kind_known check (kind in
        ('silent', 'never_heard', 'late', 'gaps', 'flat', 'stuck', 'disagrees', 'failing', 'clock_ahead', 'clock_behind',
         'battery_low')),
    reason jsonb not null,
    -- Since when, by what was measured; the fault was noticed at `opened_at`.
    began_at timestamptz not null,
    opened_at timestamptz not null,
    seen_at timestamptz not null,
    closed_at timestamptz
);
create unique index station_fault_open_unique on station_fault
    (station_id, kind, coalesce(datastream_id, 0), coalesce(device_id, 0)) where closed_at is null;
create index station_fault_opened on station_fault (opened_at desc);
create index station_fault_closed on station_fault (closed_at desc) where closed_at is not null;

-- Work at a station: one open task each. It opens with the first fault and closes with the last; people take it on, put it
-- off and close it by hand.
create table maintenance_task (
    id bigint generated always as identity primary key,
    station_id bigint not null references station (id) on delete cascade,
    opened_at timestamptz not null,
    closed_at timestamptz,
    -- "service" or a user name.
    closed_by text not null default '',
    assigned_to uuid references staff (id),
    snoozed_until timestamptz
);
create unique index maintenance_task_open_unique on maintenance_task (station_id) where closed_at is null;
create index maintenance_task_station on maintenance_task (station_id, opened_at desc);

-- What happened to a task. Nobody can rewrite it.
create table maintenance_event (
    id bigint generated always as identity primary key,
    task_id bigint not null references maintenance_task (id),
    at timestamptz not null,
    actor text not null,
    act text not null constraint maintenance_event_act_known check (act in
        ('opened', 'reopened', 'fault', 'mended', 'assigned', 'noted', 'snoozed', 'woken', 'closed')),
    detail text not null default '' constraint maintenance_event_detail_length check (length(detail) <= 1000)
);
create index maintenance_event_task on maintenance_event (task_id, id);
create trigger maintenance_event_append_only before update or delete or truncate on maintenance_event
    for each statement execute function refuse_rewrite();

-- How far each device's clock is off, estimated once a day and refreshed through the day. Positive: it is ahead.
create table device_clock (
    device_id bigint not null references device (id) on delete cascade,
    day date not null,
    offset_s double precision not null,
    spread_s double precision not null,
    messages integer not null constraint device_clock_messages_positive check (messages > 0),
    -- True when the device itself said what its clock shows.
    told boolean not null,
    estimated_at timestamptz not null,
    primary key (device_id, day)
);

-- When the next round of health is due; whoever takes the row does the round.
create table health_round (
    name text primary key,
    due_at timestamptz not null
);
insert into health_round (name, due_at) values ('health', '-infinity'), ('clock', '-infinity');

-- The morning report as it was written, one a day, and to whom it went: never twice to anybody.
create table morning_report (
    day date primary key,
    made_at timestamptz not null,
    body jsonb not null
);
create table morning_letter (
    day date not null references morning_report (day),
    staff_id uuid not null references staff (id),
    notice_id uuid not null,
    queued_at timestamptz not null,
    primary key (day, staff_id)
);
-- Null: by role, which means coordinators.
alter table staff add column morning_report boolean;
