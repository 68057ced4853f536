-- The append-only log of what was observed. `seq` order is commit order because every append holds the advisory
-- transaction lock 0x53454e54 ("SENT"); src/journal says more.
create table journal (
    seq bigint primary key,
    datastream_id bigint not null references datastream (id),
    device_id bigint references device (id),
    message_id text,
    observed_at timestamptz not null,
    -- Never falls along seq, whatever the machine's clock does.
    received_at timestamptz not null,
    value double precision not null constraint journal_value_finite check (value not in ('NaN', 'Infinity', '-Infinity')),
    quality text not null constraint journal_quality_known check (quality in ('pass', 'suspect', 'fail')),
    quality_reason text not null default '',
    source text not null constraint journal_source_known check (source in ('mqtt', 'http', 'broker', 'import', 'feed')),
    -- First 128 bits of SHA-256 over (device, message id, stream, observed_at): the identity of a reading.
    reading_key bytea not null constraint journal_reading_key_length check (length(reading_key) = 16),
    revision integer not null default 0,
    revises_seq bigint,
    constraint journal_reading_unique unique (reading_key, revision)
);
create index journal_stream_time on journal (datastream_id, observed_at desc);
create sequence journal_seq owned by journal.seq;

-- Acts are never rewritten; a wrong reading is answered by a revision.
create function refuse_rewrite() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger journal_append_only before update or delete or truncate on journal
    for each statement execute function refuse_rewrite();

create table quarantine (
    id bigint generated always as identity primary key,
    received_at timestamptz not null,
    source text not null,
    device text,
    topic text,
    payload bytea not null,
    reason text not null,
    field text not null default '',
    value text not null default ''
);
create index quarantine_received on quarantine (received_at desc);

-- How far the evaluator has read, and up to which instant its timers have run.
create table pipeline_cursor (
    name text primary key,
    seq bigint not null,
    through_at timestamptz not null
);
