-- Rows of the source `history` are the past, filled in later. No rule judges them, so whoever follows the journal for the rules
-- asks for the other rows alone, by seq. Filling in millions of rows then costs the evaluator nothing.
create index journal_live_seq on journal (seq) where source <> 'history';

-- Counters and tipping buckets. `counter_wraps_at` is where a running total begins again at zero, in the unit that is kept (mm of
-- rain: 65536 tips of 0.2 mm are 13107.2); `tip_mm` is the rain that tips the bucket once, for streams whose readings count tips.
alter table datastream
    add column counter_wraps_at double precision
        constraint datastream_counter_wraps_at_positive check (counter_wraps_at > 0 and counter_wraps_at <= 1e9),
    add column tip_mm double precision constraint datastream_tip_mm_range check (tip_mm > 0 and tip_mm <= 100),
    add constraint datastream_counter_wraps_at_kind check (counter_wraps_at is null or kind = 'cumulative_counter'),
    add constraint datastream_tip_mm_quantity check (tip_mm is null or quantity = 'rain');

-- What a counter's reading adds to the one before it. The same as src/risk/counter.rs, which says why; a test compares them.
create function counter_step(before double precision, raw double precision, apart interval, wraps_at double precision,
    most_an_hour double precision) returns double precision language sql immutable as $$
    select case
        when before is null then null
        when raw >= before then case when raw - before <= most then raw - before else 0 end
        when raw - before + wraps_at between 0 and least(most, wraps_at / 4) then raw - before + wraps_at
        when raw between 0 and most then raw
        else 0 end
    from (select coalesce(most_an_hour * greatest(1, ceil(extract(epoch from apart) / 3600)), 'Infinity')::double precision)
        as possible (most)
$$;

-- What each reading of a stream adds to a sum, within ($2, $3]: an interval's total, or a counter's step (null for its first). The
-- same stamp again is the newer word on it, as the rules hold it.
create function stream_steps(stream bigint, after timestamptz, until timestamptz)
    returns table (observed_at timestamptz, step double precision) language sql stable as $$
    select s.observed_at, s.step
    from datastream d
    cross join lateral (
        select latest.observed_at, case d.kind when 'cumulative_counter' then
                counter_step(lag(latest.value) over time, latest.value, latest.observed_at - lag(latest.observed_at) over time,
                    d.counter_wraps_at, case d.quantity when 'rain' then 305 end)
            else latest.value end as step
        from (select distinct on (j.observed_at) j.observed_at, j.value
              from journal j
              where j.datastream_id = stream and j.quality = 'pass'
                and j.observed_at > after - case d.kind when 'cumulative_counter' then interval '1 day' else interval '0' end
                and j.observed_at <= until
              order by j.observed_at, j.seq desc) latest
        window time as (order by latest.observed_at)) s
    where d.id = stream and s.observed_at > after
$$;
