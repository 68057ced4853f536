-- Doubts about readings go with the month of these readings. Rows of `reading_flag` stay append-only for everybody else: the owner
-- alone may delete from it, and only while the function below says so.
create or replace function refuse_rewrite() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and tg_table_name = 'reading_flag' and current_setting('sentinela.drops_month', true) = 'on'
        and pg_has_role(current_user, (select relowner from pg_class where oid = tg_relid), 'usage') then
        return null;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

-- Drops the partition of a month whose hours are kept, with the owner's rights, and the doubts about its readings; tells how many
-- of these there were. Refuses what is younger than a year, what the rules have not read, what still feeds a window of a stream in
-- use, and a partition that has other rows than were summed up. The rows are counted before anybody is kept waiting: whoever
-- appends notes its newest row in `journal_month`, so that under the locks it is enough to look whether that has moved.
drop function journal_drop_month(date, bigint);
create function journal_drop_month(wanted date, summed bigint) returns bigint
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    first constant date := date_trunc('month', wanted::timestamp)::date;
    begins constant timestamptz := first at time zone 'UTC';
    after_last constant timestamptz := (first + interval '1 month') at time zone 'UTC';
    part constant name := 'journal_' || to_char(first, 'YYYY"m"MM');
    newest bigint;
    found bigint;
    flags bigint;
begin
    if after_last > now() - interval '1 year' then
        raise exception 'month % is younger than a year', to_char(first, 'YYYY-MM') using errcode = 'restrict_violation';
    end if;
    if to_regclass(format('public.%I', part)) is null then
        raise exception 'month % has no partition', to_char(first, 'YYYY-MM') using errcode = 'undefined_table';
    end if;
    if exists (select from journal_month m, pipeline_cursor c where m.month = first and m.newest_seq > c.seq) then
        raise exception 'month % has readings that the rules have not read', to_char(first, 'YYYY-MM')
            using errcode = 'restrict_violation';
    end if;
    -- Windows reach back 96 hours from the newest reading of a stream, and a counter a day more.
    if exists (select from stream_latest l join datastream d on d.id = l.datastream_id join station s on s.id = d.station_id
               where s.active and l.observed_at >= begins and l.observed_at < after_last + interval '5 days') then
        raise exception 'month % holds the last readings of a station in use', to_char(first, 'YYYY-MM')
            using errcode = 'restrict_violation';
    end if;
    -- In this order: rows that come between the two are counted, and then the end has moved.
    select newest_seq into newest from journal_month where month = first;
    execute format('select count(*) from public.%I', part) into found;
    if found <> summed then
        raise exception 'month % has % rows, and % were summed up', to_char(first, 'YYYY-MM'), found, summed
            using errcode = 'serialization_failure';
    end if;
    perform set_config('sentinela.drops_month', 'on', true);
    delete from reading_flag where observed_at >= begins and observed_at < after_last;
    get diagnostics flags = row_count;
    perform set_config('sentinela.drops_month', '', true);
    -- Readers of the journal wait while it goes, which is short; if it cannot be had at once, the next try will.
    set local lock_timeout = '2s';
    perform pg_advisory_xact_lock(1397050964);
    execute format('lock table public.journal, public.%I in access exclusive mode', part);
    if newest is distinct from (select newest_seq from journal_month where month = first) then
        raise exception 'month % took readings while it was counted', to_char(first, 'YYYY-MM')
            using errcode = 'serialization_failure';
    end if;
    execute format('drop table public.%I', part);
    update journal_month set dropped_at = now() where month = first;
    return flags;
end $$;
-- src/db/grants.sql lets the service call it.
revoke execute on function journal_drop_month(date, bigint) from public;
