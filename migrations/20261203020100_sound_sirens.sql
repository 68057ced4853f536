-- Sirens: endpoints that are devices. What they are asked is told like every command of a device; only here is it said by whom and
-- why a siren may sound.
alter table device_command drop constraint device_command_name_known;
alter table device_command add constraint device_command_name_known check (name in
    ('set_interval', 'reboot', 'sync_clock', 'send_backlog', 'custom', 'siren_arm', 'siren_sound', 'siren_test', 'siren_silence'));

-- What a siren says it does.
alter table device_report
    add column siren text constraint device_report_siren_known check (siren in ('idle', 'armed', 'sounding')),
    -- When it said so: other messages say nothing about the siren.
    add column siren_at timestamptz;

create table siren (
    endpoint_id uuid primary key references endpoint (id) on delete cascade,
    device_id bigint not null references device (id) constraint siren_device_unique unique,
    state text not null constraint siren_state_known check (state in ('unknown', 'idle', 'armed', 'sounding', 'silencing')),
    changed_at timestamptz not null,
    -- When the sound ends by itself.
    sounding_until timestamptz,
    -- The newest report that was taken into account.
    reported_at timestamptz,
    tested_at timestamptz,
    test_passed boolean,
    -- When somebody was last reminded that a test is due.
    reminded_at timestamptz,
    constraint siren_sounding_whole check ((state = 'sounding') = (sounding_until is not null)),
    constraint siren_tested_whole check ((tested_at is null) = (test_passed is null))
);

-- One person asks for sirens to sound, a second one confirms or it runs out.
create table siren_request (
    id uuid primary key,
    sirens uuid[] not null constraint siren_request_sirens_some check (cardinality(sirens) between 1 and 100),
    pattern text not null constraint siren_request_pattern_known check (pattern in ('wail', 'pulse', 'steady')),
    duration_s integer not null constraint siren_request_duration_range check (duration_s between 5 and 600),
    reason text not null constraint siren_request_reason_length check (char_length(btrim(reason)) between 1 and 300),
    asked_by uuid not null references staff (id),
    asked_at timestamptz not null,
    expires_at timestamptz not null constraint siren_request_expires_later check (expires_at > asked_at),
    state text not null constraint siren_request_state_known check (state in ('waiting', 'confirmed', 'refused', 'withdrawn', 'expired')),
    decided_by uuid references staff (id),
    decided_at timestamptz,
    constraint siren_request_two_persons check (state <> 'confirmed' or decided_by <> asked_by),
    constraint siren_request_decided_whole check ((state = 'waiting') = (decided_at is null)
        and (state not in ('confirmed', 'refused', 'withdrawn') or decided_by is not null))
);
create index siren_request_waiting on siren_request (expires_at) where state = 'waiting';
create index siren_request_newest on siren_request (asked_at desc);
-- A decision stands.
create function keep_siren_request() returns trigger language plpgsql as $$
begin
    raise exception 'request % is decided', old.id using errcode = 'restrict_violation';
end $$;
create trigger siren_request_keep before update or delete on siren_request
    for each row when (old.state <> 'waiting') execute function keep_siren_request();

-- Why a siren was asked something.
create table siren_command (
    command_id uuid primary key references device_command (id) on delete cascade,
    endpoint_id uuid not null references siren (endpoint_id) on delete cascade,
    act text not null constraint siren_command_act_known check (act in ('arm', 'sound', 'test', 'silence')),
    duration_s integer,
    cause text not null constraint siren_command_cause_known check (cause in ('alert', 'request', 'person', 'timed')),
    outbox_id bigint references outbox (id),
    request_id uuid references siren_request (id),
    asked_at timestamptz not null,
    -- When the silence that goes along with a sound was sent after it.
    silenced_at timestamptz,
    -- The command's state when the siren's was last worked out.
    seen text not null default 'queued',
    constraint siren_command_duration_whole check ((act = 'sound') = (duration_s is not null)),
    constraint siren_command_cause_whole check (
        (cause = 'alert') = (outbox_id is not null) and (cause = 'request') = (request_id is not null)),
    -- By hand a siren sounds by a request that a second person confirmed, and otherwise by an alert.
    constraint siren_command_sound_cause check (act <> 'sound' or cause in ('alert', 'request'))
);
create index siren_command_of on siren_command (endpoint_id, asked_at desc);
create index siren_command_outbox on siren_command (outbox_id) where outbox_id is not null;

-- The command that makes a siren sound is written with its reason, in one transaction, or not at all.
create function guard_siren_sound() returns trigger language plpgsql as $$
begin
    if not exists (
        select from siren_command c left join siren_request r on r.id = c.request_id
        where c.command_id = new.id and c.act = 'sound'
          and (c.cause = 'alert' or (r.state = 'confirmed' and r.decided_by <> r.asked_by))) then
        raise exception 'command % makes a siren sound without an alert and without two persons', new.id
            using errcode = 'restrict_violation';
    end if;
    return null;
end $$;
create constraint trigger device_command_guard_siren after insert on device_command deferrable initially deferred
    for each row when (new.name = 'siren_sound') execute function guard_siren_sound();
