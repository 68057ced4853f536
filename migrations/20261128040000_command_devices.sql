-- What devices tell of themselves beside firmware, battery and signal, and how far their clocks are off.
alter table device_report
    -- Received minus reported, of messages that came straight from the device; the way of the message is in it.
    add column clock_offset_ms bigint,
    -- Link margin as a LoRaWAN network server tells it.
    add column margin_db double precision,
    -- How often it means to send.
    add column interval_s integer constraint device_report_interval_positive check (interval_s > 0);

-- Firmware is compared by the numbers in it: 1.10 is newer than 1.9.
create function firmware_key(firmware text) returns numeric[] language sql immutable parallel safe as
    $$ select array(select m[1]::numeric from regexp_matches(firmware, '([0-9]{1,12})', 'g') as m) $$;

-- What people ask devices to do, and what came of it. A command is told again at each connect until it is answered or ends,
-- so a device that sees an id twice acts once.
create table device_command (
    id uuid primary key,
    device_id bigint not null references device (id) on delete cascade,
    name text not null constraint device_command_name_known check (name in
        ('set_interval', 'reboot', 'sync_clock', 'send_backlog', 'custom')),
    -- As it was given: jsonb would write 1e300 out in full.
    args json not null constraint device_command_args_object
        check (json_typeof(args) = 'object' and length(args::text) <= 4096),
    state text not null constraint device_command_state_known check (state in
        ('queued', 'sent', 'acknowledged', 'failed', 'expired', 'cancelled')),
    -- Who asked, as the audit names them.
    issued_by text not null constraint device_command_issued_by_length check (length(issued_by) <= 200),
    issued_at timestamptz not null,
    expires_at timestamptz not null constraint device_command_expires_later check (expires_at > issued_at),
    -- How often it was handed to the device's connection, or to its broker.
    times_sent integer not null default 0 constraint device_command_times_sent_positive check (times_sent >= 0),
    sent_at timestamptz,
    ended_at timestamptz,
    -- The device's word on it.
    result text constraint device_command_result_known check (result in ('done', 'failed', 'rejected')),
    message text not null default '' constraint device_command_message_length check (length(message) <= 500),
    constraint device_command_ended_whole check ((state in ('queued', 'sent')) = (ended_at is null)),
    constraint device_command_result_whole check ((state in ('acknowledged', 'failed')) = (result is not null))
);
create index device_command_device on device_command (device_id, issued_at desc);
create index device_command_open on device_command (device_id, expires_at) where state in ('queued', 'sent');
