-- What sums and charts need of a reading lies in the index by which they find it: a year of one stream is fifty thousand rows, and each
-- lies in a page of its own among those of all others.
drop index journal_stream_time;
create index journal_stream_time on journal (datastream_id, observed_at desc, seq desc) include (value, quality);

-- As before. An interval's total needs no look at the reading before it: that is two thirds of the time for a list of stations. Only the
-- branch of the stream's kind is carried out.
create or replace function stream_steps(stream bigint, after timestamptz, until timestamptz)
    returns table (observed_at timestamptz, step double precision) language sql stable as $$
    select believed.observed_at, believed.value
    from datastream d
    cross join lateral (
        select distinct on (j.observed_at) j.observed_at, j.value
        from journal j
        where j.datastream_id = stream and j.quality = 'pass' and j.observed_at > after and j.observed_at <= until
          and not exists (select from reading_flag f where f.datastream_id = stream and f.observed_at > after
                          and f.observed_at <= until and f.journal_seq = j.seq)
        order by j.observed_at desc, j.seq desc) believed
    where d.id = stream and d.kind <> 'cumulative_counter'
    union all
    select s.observed_at, s.step
    from datastream d
    cross join lateral (
        select known.observed_at, known.adds,
            counter_step(lag(known.value) over time, known.value, known.observed_at - lag(known.observed_at) over time,
                d.counter_wraps_at, case d.quantity when 'rain' then 305 end) as step
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
             where j.datastream_id = stream and j.quality = 'pass' and j.observed_at <= after
               -- No anti-join: it would take the rows out of the order of their index, and sort years of them for one.
               and (select f.journal_seq from reading_flag f where f.journal_seq = j.seq limit 1) is null
             order by j.observed_at desc, j.seq desc limit 1)
            union all
            (select h.last_at, h.last, false
             from reading_hour h
             where h.datastream_id = stream and h.hour < after and h.last_at <= after
             order by h.hour desc limit 1)
            union all
            -- Hours in between hold their own sum, and what follows them steps from their last.
            (select h.last_at, h.last, false
             from reading_hour h
             where h.datastream_id = stream and h.hour >= after - interval '1 hour' and h.hour < until
               and h.last_at > after and h.last_at <= until)
        ) known
        window time as (order by known.observed_at)) s
    where d.id = stream and d.kind = 'cumulative_counter' and s.adds
$$;
