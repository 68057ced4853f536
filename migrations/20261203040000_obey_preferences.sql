-- Who hears what: residents' own least level and quiet hours, and first of all whoever needs help.

-- How high a level is.
create function level_rank(level text) returns integer language sql immutable as $$
    select case level when 'maximum' then 4 when 'alert' then 3 when 'attention' then 2 when 'observation' then 1 else 0 end
$$;

-- Why a resident's own choice keeps a message from them, or ''. `heard` is the rank of what they would hear of. Whoever chose the lowest
-- level hears everything; nobody can choose not to hear of alert and maximum. Within the hours (`from_at` ≤ t < `until_at`, over midnight
-- when they run backwards) what is below alert is left out and not delayed: in the morning it would be old.
create function preference_against(heard integer, chosen text, from_at time, until_at time, zone text, moment timestamptz)
returns text language sql immutable as $$
    select case
        when heard >= 3 then ''
        when chosen <> 'observation' and heard < level_rank(chosen) then 'below_least_level'
        when from_at < until_at and (moment at time zone zone)::time >= from_at and (moment at time zone zone)::time < until_at then 'quiet_hours'
        when from_at > until_at and ((moment at time zone zone)::time >= from_at or (moment at time zone zone)::time < until_at) then 'quiet_hours'
        else '' end
$$;

-- The rank of what a message is about: its own level, and of an end the highest that was said before.
create function alert_heard(wanted uuid) returns integer language sql stable as $$
    select case
        when a.kind in ('alert', 'update') then level_rank(a.level)
        else greatest(level_rank(a.level),
            (select max(level_rank(b.level)) from alert_chain(wanted) c join alert b on b.id = c.alert_id)) end
    from alert a where a.id = wanted
$$;

-- A priority: smaller goes first. The urgency of the message, the danger of the place, and within it whoever needs help.
create function alert_priority(kind text, level text, danger integer, needs boolean) returns integer language sql immutable as $$
    select alert_urgency(kind, level) + 2 * danger + case when needs then 0 else 1 end
$$;

drop function alert_recipients(uuid);
drop function actual_recipients(uuid);
drop function exercise_recipients(uuid);

-- Whom a real alert reaches at this instant, one row for each channel with '' or the reason why it is not used. Whoever was told
-- of what it answers hears of it whatever they chose.
create function actual_recipients(wanted uuid, moment timestamptz)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text, needs boolean)
language sql stable rows 20000 set jit = off as $$
    with inside as materialized (
        select * from alert_audience(wanted)
    ), meaning as materialized (
        select alert_heard(wanted) as heard
    ), told as materialized (
        select distinct on (o.resident_id) o.resident_id, o.area_id, 4 as danger, 'told_before' as basis
        from alert_chain(wanted) c join outbox o on o.alert_id = c.alert_id
        where o.attempts > 0 or o.state in ('sending', 'accepted', 'unknown', 'delivered')
        order by o.resident_id, c.depth, o.priority, o.id
    ), reached as (
        select * from inside
        union all
        select * from told where not exists (select from inside where inside.resident_id = told.resident_id)
    ), channel as (
        select reached.*, r.language, r.needs <> '{}' as needs, c.kind, c.address, case
            when c.id is null then 'no_channel'
            when r.alerts_withdrawn_at is not null then 'consent_withdrawn'
            when c.opted_out_at is not null then 'opted_out'
            when c.verified_at is null then 'unverified'
            when c.blocked_at is not null then 'blocked'
            when t.resident_id is not null then ''
            else preference_against(meaning.heard, r.least_level, r.quiet_from, r.quiet_until, r.quiet_zone, moment) end as reason
        from reached cross join meaning
            join resident r on r.id = reached.resident_id and r.deleted_at is null
            left join told t on t.resident_id = reached.resident_id
            left join resident_channel c on c.resident_id = reached.resident_id
    )
    select c.resident_id, c.kind, c.address, c.language, c.area_id, c.danger, c.basis, case
        when c.reason = '' and row_number() over (partition by c.kind, c.address, c.reason
                order by c.danger, c.needs desc, c.resident_id) > 1
            then 'duplicate_address'
        else c.reason end, c.needs
    from channel c
$$;

-- As before. Whoever joined an exercise wants it at its own hour.
create function exercise_recipients(wanted uuid)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text, needs boolean)
language sql stable rows 200 set jit = off as $$
    with joined as materialized (
        select p.resident_id, p.reach, p.joined_at from alert a join exercise_participant p on p.exercise_id = a.exercise_id
        where a.id = wanted and a.status = 'exercise' and p.resident_id is not null and p.left_at is null
    ), inside as materialized (
        select i.* from alert_audience(wanted) i join joined j on j.resident_id = i.resident_id
    ), told as (
        select distinct on (o.resident_id) o.resident_id, o.area_id
        from alert_chain(wanted) c join outbox o on o.alert_id = c.alert_id join joined j on j.resident_id = o.resident_id
        where j.reach <> 'all' and (o.attempts > 0 or o.state in ('sending', 'accepted', 'unknown', 'delivered'))
        order by o.resident_id, c.depth, o.priority, o.id
    ), reached as (
        select i.resident_id, i.area_id, i.danger, i.basis from inside i
        union all
        select t.resident_id, t.area_id, 4, 'told_before' from told t
        where not exists (select from inside i where i.resident_id = t.resident_id)
        union all
        select j.resident_id, null::bigint, 4, 'joined' from joined j
        where j.reach = 'all' and not exists (select from inside i where i.resident_id = j.resident_id)
    ), channel as (
        select reached.*, r.language, r.needs <> '{}' as needs, c.kind, c.address, case
            when c.id is null then 'no_channel'
            when (select not d.given from consent d where d.resident_id = r.id and d.purpose = 'drills' order by d.id desc limit 1)
                then 'consent_withdrawn'
            -- Whoever joined after they had left the alerts wants this exercise.
            when c.opted_out_at >= j.joined_at then 'opted_out'
            when c.verified_at is null then 'unverified'
            when c.blocked_at is not null then 'blocked'
            else '' end as reason
        from reached join joined j on j.resident_id = reached.resident_id
            join resident r on r.id = reached.resident_id and r.deleted_at is null
            left join resident_channel c on c.resident_id = reached.resident_id
    )
    select c.resident_id, c.kind, c.address, c.language, c.area_id, c.danger, c.basis, case
        when c.reason = '' and row_number() over (partition by c.kind, c.address, c.reason order by c.danger, c.resident_id) > 1
            then 'duplicate_address'
        else c.reason end, c.needs
    from channel c
$$;

-- Whom an alert reaches at this instant; without one nobody's quiet hours are asked. Test and system messages reach no resident at all.
-- Without a setting of its own, so that the planner puts the two in its place instead of copying a million rows once more.
create function alert_recipients(wanted uuid, moment timestamptz default null)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text, needs boolean)
language sql stable rows 20000 as $$
    select r.* from alert a cross join lateral actual_recipients(a.id, moment) r where a.id = wanted and a.status = 'actual'
    union all
    select r.* from alert a cross join lateral exercise_recipients(a.id) r where a.id = wanted and a.status = 'exercise'
$$;
