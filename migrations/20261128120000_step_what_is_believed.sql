-- What a counter's reading adds to the one before it, as before; now one expression, which the planner takes into the caller's: the
-- list of stations asks for it ten thousand times. What can be added at most stands in it three times for that.
create or replace function counter_step(before double precision, raw double precision, apart interval, wraps_at double precision,
    most_an_hour double precision) returns double precision language sql immutable as $$
    select case
        when before is null then null
        when raw >= before then case when raw - before <=
            coalesce(most_an_hour * greatest(1, ceil(extract(epoch from apart) / 3600)), 'Infinity')::double precision
            then raw - before else 0 end
        when raw - before + wraps_at between 0 and least(wraps_at / 4,
            coalesce(most_an_hour * greatest(1, ceil(extract(epoch from apart) / 3600)), 'Infinity')::double precision)
            then raw - before + wraps_at
        when raw between 0 and
            coalesce(most_an_hour * greatest(1, ceil(extract(epoch from apart) / 3600)), 'Infinity')::double precision
            then raw
        else 0 end
$$;

-- What each reading of a stream adds to a sum, within ($2, $3]: an interval's total, or a counter's step (null for its first). Only
-- what is believed adds: what the range test or the tests of the surroundings doubt, the rules leave out of their sums as well. The
-- same stamp again is the newer word on it. A counter's predecessor is the last believed reading before, however old; of closed
-- months the last of an hour stands for it. One query, so that the planner takes it into the caller's: bounds that are given as
-- instants then leave out the other months.
create or replace function stream_steps(stream bigint, after timestamptz, until timestamptz)
    returns table (observed_at timestamptz, step double precision) language sql stable as $$
    select s.observed_at, s.step
    from datastream d
    cross join lateral (
        select known.observed_at, known.adds, case d.kind when 'cumulative_counter' then
                counter_step(lag(known.value) over time, known.value, known.observed_at - lag(known.observed_at) over time,
                    d.counter_wraps_at, case d.quantity when 'rain' then 305 end)
            else known.value end as step
        from (
            (select distinct on (j.observed_at) j.observed_at, j.value, true as adds
             from journal j
             where j.datastream_id = stream and j.quality = 'pass' and j.observed_at > after and j.observed_at <= until
               and not exists (select from reading_flag f where f.datastream_id = stream and f.observed_at > after
                               and f.observed_at <= until and f.journal_seq = j.seq)
             order by j.observed_at desc, j.seq desc)
            union all
            (select j.observed_at, j.value, false
             from journal j
             where d.kind = 'cumulative_counter' and j.datastream_id = stream and j.quality = 'pass' and j.observed_at <= after
               -- No anti-join: it would take the rows out of the order of their index, and sort years of them for one.
               and (select f.journal_seq from reading_flag f where f.journal_seq = j.seq limit 1) is null
             order by j.observed_at desc, j.seq desc limit 1)
            union all
            (select h.last_at, h.last, false
             from reading_hour h
             where d.kind = 'cumulative_counter' and h.datastream_id = stream and h.hour < after and h.last_at <= after
             order by h.hour desc limit 1)
            union all
            -- Hours in between hold their own sum, and what follows them steps from their last.
            (select h.last_at, h.last, false
             from reading_hour h
             where d.kind = 'cumulative_counter' and h.datastream_id = stream and h.hour >= after - interval '1 hour' and h.hour < until
               and h.last_at > after and h.last_at <= until)
        ) known
        window time as (order by known.observed_at)) s
    where d.id = stream and s.adds
$$;

-- The readings observed within [$1, $2) as they count: the newest revision of each, and of an interval that was told twice under two
-- names its newest word. What failed stands beside what counts.
create function counted_readings(since timestamptz, before timestamptz)
    returns table (datastream_id bigint, observed_at timestamptz, seq bigint, value double precision, failed boolean, doubted boolean)
    language sql stable as $$
    select w.datastream_id, w.observed_at, w.seq, w.value, w.failed, w.doubted
    from (select r.*, d.kind, row_number() over (partition by r.datastream_id, r.observed_at, r.failed order by r.seq desc) as word
          from (select j.datastream_id, j.observed_at, j.seq, j.value, j.quality = 'fail' or coalesce(f.failed, false) as failed,
                    j.quality = 'suspect' or f.failed is not null as doubted
                from journal j
                left join (select journal_seq, bool_or(quality = 'fail') as failed from reading_flag
                           where reading_flag.observed_at >= since and reading_flag.observed_at < before
                           group by journal_seq) f on f.journal_seq = j.seq
                where j.observed_at >= since and j.observed_at < before and not exists (
                    select from journal n where n.observed_at >= since and n.observed_at < before
                        and n.revision > 0 and n.revises_seq = j.seq)) r
          join datastream d on d.id = r.datastream_id) w
    where w.word = 1 or w.kind <> 'interval_sum'
$$;

-- Of a counter an hour's sum is what was counted in it, no longer the sum of the totals it showed. Of hours that are kept already it
-- is made good from the last of each.
comment on column reading_hour.sum is 'Of intervals their total, of a counter its steps.';
update reading_hour h set sum = s.step
from (select r.datastream_id, r.hour,
          counter_step(lag(r.last) over time, r.last, r.last_at - lag(r.last_at) over time, d.counter_wraps_at,
              case d.quantity when 'rain' then 305 end) as step
      from reading_hour r join datastream d on d.id = r.datastream_id
      where d.kind = 'cumulative_counter' and r.last is not null
      window time as (partition by r.datastream_id order by r.hour)) s
where h.datastream_id = s.datastream_id and h.hour = s.hour;
