-- The journal in partitions of one month of `observed_at` (UTC), so that a year of readings can be left, kept or dropped without
-- touching another. What was unique stays so: the reading's key is made of its instant, among other things.
alter table journal rename to journal_before;
drop trigger journal_append_only on journal_before;
alter index journal_pkey rename to journal_before_pkey;
alter index journal_reading_unique rename to journal_before_reading_unique;
alter index journal_stream_time rename to journal_before_stream_time;

create table journal (
    seq bigint not null,
    datastream_id bigint not null,
    device_id bigint,
    message_id text,
    observed_at timestamptz not null,
    -- Never falls along seq, whatever the machine's clock does.
    received_at timestamptz not null,
    value double precision not null constraint journal_value_finite check (value not in ('NaN', 'Infinity', '-Infinity')),
    quality text not null constraint journal_quality_known check (quality in ('pass', 'suspect', 'fail')),
    quality_reason text not null default '',
    source text not null constraint journal_source_known check (source in ('mqtt', 'http', 'broker', 'import', 'feed', 'history', 'report')),
    -- First 128 bits of SHA-256 over (device, message id, stream, observed_at): the identity of a reading.
    reading_key bytea not null constraint journal_reading_key_length check (length(reading_key) = 16),
    revision integer not null default 0,
    revises_seq bigint,
    primary key (seq, observed_at),
    constraint journal_reading_unique unique (reading_key, revision, observed_at)
) partition by range (observed_at);
-- With `seq`, so that the newest reading of a stream is the first entry of its newest partition.
create index journal_stream_time on journal (datastream_id, observed_at desc, seq desc);
create trigger journal_append_only before update or delete or truncate on journal
    for each statement execute function refuse_rewrite();
alter sequence journal_seq owned by journal.seq;

-- The months of the journal. Appends note their newest row in the months they touch, in the same transaction: so readers know
-- where the rows after a cursor lie, and the newest row of all, without asking every partition.
create table journal_month (
    month date primary key constraint journal_month_month_first check (extract(day from month) = 1),
    newest_seq bigint not null default 0,
    newest_received_at timestamptz,
    -- Since when only hourly values are kept. No reading of such a month is taken any more.
    dropped_at timestamptz
) with (fillfactor = 25);

-- The newest reading of each stream by its own time, written with each append.
create table stream_latest (
    datastream_id bigint primary key references datastream (id) on delete cascade,
    seq bigint not null,
    observed_at timestamptz not null,
    received_at timestamptz not null,
    value double precision not null,
    quality text not null
) with (fillfactor = 50);

-- Makes the partition of the month that holds `wanted`, unless it is there. False when the month is closed. A table is made
-- apart and then attached, which keeps nobody waiting who reads or writes other months: `create table … partition of` would
-- lock the whole journal. With the owner's rights, because the service owns nothing.
create function journal_open_month(wanted date) returns boolean
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    first constant date := date_trunc('month', wanted::timestamp)::date;
    part constant name := 'journal_' || to_char(first, 'YYYY"m"MM');
    lower_bound constant text := to_char(first, 'YYYY-MM-DD') || ' 00:00:00+00';
    upper_bound constant text := to_char(first + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00';
begin
    if first not between '1900-01-01' and '2200-12-01' then
        raise exception 'month % lies outside 1900-01 to 2200-12', to_char(first, 'YYYY-MM')
            using errcode = 'datetime_field_overflow';
    end if;
    -- Two programs may want the same month: whoever comes second finds it made.
    perform pg_advisory_xact_lock(1397050964);
    if exists (select from journal_month where month = first and dropped_at is not null) then
        return false;
    end if;
    insert into journal_month (month) values (first) on conflict do nothing;
    if to_regclass(format('public.%I', part)) is not null then
        return true;
    end if;
    execute format('create table public.%I (like public.journal including all)', part);
    -- Spares the look at the table while it is attached; afterwards the bounds of the partition say the same.
    execute format('alter table public.%I add constraint journal_month_bounds check (observed_at >= %L and observed_at < %L)',
        part, lower_bound, upper_bound);
    execute format('create trigger journal_append_only before update or delete or truncate on public.%I
        for each statement execute function public.refuse_rewrite()', part);
    execute format('alter table public.journal attach partition public.%I for values from (%L) to (%L)',
        part, lower_bound, upper_bound);
    execute format('alter table public.%I drop constraint journal_month_bounds', part);
    if exists (select from pg_roles where rolname = 'sentinela_service') then
        execute format('grant insert, select on public.%I to sentinela_service', part);
    end if;
    return true;
end $$;
-- src/db/grants.sql lets the service call it.
revoke execute on function journal_open_month(date) from public;

-- Moves what is there.
do $$ begin
    perform journal_open_month(month)
    from (select distinct date_trunc('month', observed_at at time zone 'UTC')::date as month from journal_before) months;
end $$;

insert into journal (seq, datastream_id, device_id, message_id, observed_at, received_at, value, quality, quality_reason, source,
    reading_key, revision, revises_seq)
select seq, datastream_id, device_id, message_id, observed_at, received_at, value, quality, quality_reason, source,
    reading_key, revision, revises_seq
from journal_before order by seq;

alter table journal add constraint journal_datastream_id_fkey foreign key (datastream_id) references datastream (id);
alter table journal add constraint journal_device_id_fkey foreign key (device_id) references device (id);

update journal_month set newest_seq = newest.seq, newest_received_at = newest.received_at
from (select date_trunc('month', observed_at at time zone 'UTC')::date as month, max(seq) as seq, max(received_at) as received_at
      from journal_before group by 1) newest
where journal_month.month = newest.month;

insert into stream_latest (datastream_id, seq, observed_at, received_at, value, quality)
select distinct on (datastream_id) datastream_id, seq, observed_at, received_at, value, quality
from journal_before order by datastream_id, observed_at desc, seq desc;

drop table journal_before;
