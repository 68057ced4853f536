-- Whoever was told anything of a chain of messages hears of its end, also when a message in between did not hold for them any more
-- and had not reached them yet.

-- The messages that this one answers, the nearest first.
create function alert_chain(wanted uuid) returns table (alert_id uuid, depth integer)
language sql stable rows 5 as $$
    with recursive chain as (
        select a.references_alert_id as link, 1 as far from alert a
        where a.id = wanted and a.kind <> 'alert' and a.references_alert_id is not null
        union all
        select a.references_alert_id, chain.far + 1 from chain join alert a on a.id = chain.link
        where a.references_alert_id is not null and chain.far < 1000
    )
    select link, far from chain
$$;

-- As before, but for `told`.
create or replace function actual_recipients(wanted uuid)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text)
language sql stable rows 20000 set jit = off as $$
    with inside as materialized (
        select * from alert_audience(wanted)
    ), told as (
        select distinct on (o.resident_id) o.resident_id, o.area_id, 4 as danger, 'told_before' as basis
        from alert_chain(wanted) c join outbox o on o.alert_id = c.alert_id
        where o.attempts > 0 or o.state in ('sending', 'accepted', 'unknown', 'delivered')
        order by o.resident_id, c.depth, o.priority, o.id
    ), reached as (
        select * from inside
        union all
        select * from told where not exists (select from inside where inside.resident_id = told.resident_id)
    ), channel as (
        select reached.*, r.language, c.kind, c.address, case
            when c.id is null then 'no_channel'
            when r.alerts_withdrawn_at is not null then 'consent_withdrawn'
            when c.opted_out_at is not null then 'opted_out'
            when c.verified_at is null then 'unverified'
            else '' end as reason
        from reached join resident r on r.id = reached.resident_id and r.deleted_at is null
            left join resident_channel c on c.resident_id = reached.resident_id
    )
    select c.resident_id, c.kind, c.address, c.language, c.area_id, c.danger, c.basis, case
        when c.reason = '' and row_number() over (partition by c.kind, c.address, c.reason order by c.danger, c.resident_id) > 1
            then 'duplicate_address'
        else c.reason end
    from channel c
$$;

-- As before, and whoever takes part for where they live hears of the end as well, once they were told.
create or replace function exercise_recipients(wanted uuid)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text)
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
        select reached.*, r.language, c.kind, c.address, case
            when c.id is null then 'no_channel'
            when (select not d.given from consent d where d.resident_id = r.id and d.purpose = 'drills' order by d.id desc limit 1)
                then 'consent_withdrawn'
            -- Whoever joined after they had left the alerts wants this exercise.
            when c.opted_out_at >= j.joined_at then 'opted_out'
            when c.verified_at is null then 'unverified'
            else '' end as reason
        from reached join joined j on j.resident_id = reached.resident_id
            join resident r on r.id = reached.resident_id and r.deleted_at is null
            left join resident_channel c on c.resident_id = reached.resident_id
    )
    select c.resident_id, c.kind, c.address, c.language, c.area_id, c.danger, c.basis, case
        when c.reason = '' and row_number() over (partition by c.kind, c.address, c.reason order by c.danger, c.resident_id) > 1
            then 'duplicate_address'
        else c.reason end
    from channel c
$$;
