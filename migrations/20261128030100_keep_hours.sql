-- What remains of a stream's hour when the readings of its month are dropped by policy (`[history]` in the configuration). An hour
-- holds what was observed after its beginning and up to its end, as the windows of the rules do. Sums and extremes are of the
-- readings that did not fail; an hour in which none came has no row.
create table reading_hour (
    datastream_id bigint not null references datastream (id),
    hour timestamptz not null constraint reading_hour_hour_whole check (hour = date_trunc('hour', hour, 'UTC')),
    -- Readings that count, and among them those in doubt.
    count integer not null constraint reading_hour_count_positive check (count >= 0),
    suspect integer not null,
    failed integer not null,
    -- Readings that the stream promises for an hour and that did not come; null when it promises none.
    missing integer,
    sum double precision,
    mean double precision generated always as (sum / nullif(count, 0)) stored,
    min double precision,
    max double precision,
    last double precision,
    last_at timestamptz,
    primary key (datastream_id, hour)
);

-- The few rows that correct others, so that what was corrected is left out without sorting a year of readings.
create index journal_corrections on journal (datastream_id, observed_at) where revision > 0;

-- Drops the partition of a month whose hours are kept, with the owner's rights. Refuses what is younger than a year, what the rules
-- have not read, what still feeds a window of a stream in use, and a partition that has other rows than were summed up.
create function journal_drop_month(wanted date, summed bigint) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    first constant date := date_trunc('month', wanted::timestamp)::date;
    after_last constant timestamptz := (first + interval '1 month') at time zone 'UTC';
    part constant name := 'journal_' || to_char(first, 'YYYY"m"MM');
    found bigint;
begin
    if after_last > now() - interval '1 year' then
        raise exception 'month % is younger than a year', to_char(first, 'YYYY-MM') using errcode = 'restrict_violation';
    end if;
    -- Readers of the journal wait while it goes, which is short; if it cannot be had at once, the next try will.
    set local lock_timeout = '2s';
    perform pg_advisory_xact_lock(1397050964);
    if to_regclass(format('public.%I', part)) is null then
        raise exception 'month % has no partition', to_char(first, 'YYYY-MM') using errcode = 'undefined_table';
    end if;
    if exists (select from journal_month m, pipeline_cursor c where m.month = first and m.newest_seq > c.seq) then
        raise exception 'month % has readings that the rules have not read', to_char(first, 'YYYY-MM')
            using errcode = 'restrict_violation';
    end if;
    -- Windows reach back 96 hours from the newest reading of a stream, and a counter a day more.
    if exists (select from stream_latest l join datastream d on d.id = l.datastream_id join station s on s.id = d.station_id
               where s.active and l.observed_at >= first at time zone 'UTC' and l.observed_at < after_last + interval '5 days') then
        raise exception 'month % holds the last readings of a station in use', to_char(first, 'YYYY-MM')
            using errcode = 'restrict_violation';
    end if;
    execute format('lock table public.journal, public.%I in access exclusive mode', part);
    execute format('select count(*) from public.%I', part) into found;
    if found <> summed then
        raise exception 'month % has % rows, and % were summed up', to_char(first, 'YYYY-MM'), found, summed
            using errcode = 'serialization_failure';
    end if;
    execute format('drop table public.%I', part);
    update journal_month set dropped_at = now() where month = first;
end $$;
revoke execute on function journal_drop_month(date, bigint) from public;
