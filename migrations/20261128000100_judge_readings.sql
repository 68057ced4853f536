-- Readings come from two more doors: histories that are filled in years later, and people's reports, which count as the
-- readings of a stream of their own at each risk area.
alter table journal
    drop constraint journal_source_known,
    add constraint journal_source_known check (source in ('mqtt', 'http', 'broker', 'import', 'feed', 'history', 'report'));
alter table datastream
    drop constraint datastream_quantity_known,
    add constraint datastream_quantity_known check (quantity in
        ('rain', 'water_level', 'flow', 'air_temperature', 'relative_humidity', 'wind_speed', 'wind_gust', 'soil_moisture',
         'battery', 'reports'));

-- What the readings around it said of a reading, after it was in the journal (src/risk/control). The journal keeps the range
-- test's word in `quality`; the worst of both counts. One row a reading and test, written with the levels that it led to.
create table reading_flag (
    journal_seq bigint not null,
    datastream_id bigint not null references datastream (id),
    observed_at timestamptz not null,
    test text not null constraint reading_flag_test_known check (test in
        ('spike', 'rate', 'flat_line', 'stuck_counter', 'neighbours')),
    quality text not null constraint reading_flag_quality_known check (quality in ('suspect', 'fail')),
    reason text not null,
    flagged_at timestamptz not null,
    primary key (journal_seq, test)
);
create index reading_flag_stream_time on reading_flag (datastream_id, observed_at);
create trigger reading_flag_append_only before update or delete or truncate on reading_flag
    for each statement execute function refuse_rewrite();

-- The last word of each device on itself, from its status message or the network server's.
create table device_report (
    device_id bigint primary key references device (id) on delete cascade,
    received_at timestamptz not null,
    -- By the device's own clock, when it says so.
    reported_at timestamptz,
    firmware text not null default '' constraint device_report_firmware_length check (length(firmware) <= 100),
    battery_pct double precision constraint device_report_battery_range check (battery_pct between 0 and 100),
    signal_dbm double precision
);
