-- Whom of those near an alert it goes to: how far beyond its places, and how well a home must be known.

alter table alert
    -- Metres around the places within which people are told too. What the message says of the places stays as it is.
    add column buffer_m integer not null default 0 constraint alert_buffer_range check (buffer_m between 0 and 10000),
    -- Whoever's home is known no better than this many metres is left out, with a row that says so. Null: everybody is told.
    add column leave_out_from_m integer constraint alert_leave_out_range check (leave_out_from_m between 1 and 100000);

alter table outbox drop constraint outbox_basis_known;
alter table outbox add constraint outbox_basis_known
    check (basis in ('inside', 'within_buffer', 'within_precision', 'told_before', 'joined', 'everywhere'));

-- As before; whom it went to stands for good too.
create or replace function keep_issued_alert() returns trigger language plpgsql as $$
begin
    if old.status <> new.status then
        raise exception 'alert %: status % cannot become %', old.id, old.status, new.status using errcode = 'restrict_violation';
    end if;
    if old.cap_xml is null then
        return new;
    end if;
    if (old.cap_xml, old.cap_identifier, old.cap_sent, old.cap_sender, old.number, old.headline, old.description,
            old.instruction, old.sms_text, old.expires_at, old.issued_at, old.approved_by, old.level, old.cobrade, old.kind,
            old.references_alert_id, old.severity, old.urgency, old.certainty, old.revision, old.buffer_m, old.leave_out_from_m)
        is distinct from (new.cap_xml, new.cap_identifier, new.cap_sent, new.cap_sender, new.number, new.headline, new.description,
            new.instruction, new.sms_text, new.expires_at, new.issued_at, new.approved_by, new.level, new.cobrade, new.kind,
            new.references_alert_id, new.severity, new.urgency, new.certainty, new.revision, new.buffer_m, new.leave_out_from_m) then
        raise exception 'alert % is issued and cannot be rewritten', old.number using errcode = 'restrict_violation';
    end if;
    if new.state <> old.state
        and not (old.state = 'issued' and new.state in ('superseded', 'cleared', 'cancelled', 'expired'))
        and not (old.state = 'expired' and new.state in ('superseded', 'cleared')) then
        raise exception 'alert % is % and cannot become %', old.number, old.state, new.state using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- Metres of a degree of longitude at the middle of a shape; of a degree of latitude there are 110,574.
create function degree_m(shape geometry) returns double precision language sql immutable strict as $$
    select 111320 * cos(radians((st_ymin(shape) + st_ymax(shape)) / 2))
$$;

-- The ground within so many metres around a shape, without the shape. A circle of 64 corners lies inside its round one, so it is
-- drawn as much wider as makes its sides touch: nobody within the distance is missed, and 12 m of 10 km are too much.
create function ground_around(shape geometry, metres integer) returns geometry language sql immutable strict as $$
    select st_difference(
        st_affine(st_buffer(st_affine(shape, x, 0, 0, 110574, 0, 0), metres / cos(pi() / 64), 'quad_segs=16'), 1 / x, 0, 0, 1 / 110574.0, 0, 0),
        shape)
    from (select degree_m(shape) as x) as m
$$;

-- As before, and the ground around each place as pieces of its own (`around`): so a home is asked for as few pieces as before,
-- however wide the distance. It has no grade: whoever lives there is told after everybody inside.
drop function alert_pieces(uuid);
create function alert_pieces(wanted uuid)
returns table (area_id bigint, danger integer, geom geometry, plane geometry, x double precision, y double precision, around boolean)
language sql stable rows 200 as $$
    with area as materialized (
        select t.area_id, t.geom, a.buffer_m, coalesce(
            (select 4 - right(h.grade, 1)::integer from area_hazard h where h.area_id = t.area_id and h.cobrade = a.cobrade),
            (select min(4 - right(h.grade, 1)::integer) from area_hazard h where h.area_id = t.area_id),
            4) as danger
        from alert a join alert_target t on t.alert_id = a.id
        where a.id = wanted
    ), part as (
        select area.area_id, area.danger, st_subdivide(area.geom, 64) as geom, false as around from area
        union all
        select area.area_id, 4, st_subdivide(st_collectionextract(ground_around(area.geom, area.buffer_m), 3), 64), true
        from area where area.buffer_m > 0
    )
    select part.area_id, part.danger, part.geom, st_affine(part.geom, m.x, 0, 0, 110574, 0, 0), m.x, 110574, part.around
    from part cross join lateral (select degree_m(part.geom) as x) as m
    order by part.danger, part.around, part.area_id
$$;

-- Residents with a place in an alert's areas or around them, once each: by a home that is known well enough where there is one, then
-- by the greatest danger. `coarse`: every home of theirs that may be meant is known too badly.
drop function alert_audience(uuid);
create function alert_audience(wanted uuid)
returns table (resident_id uuid, area_id bigint, danger integer, basis text, coarse boolean)
language sql stable rows 20000 set jit = off as $$
    with piece as materialized (
        select * from alert_pieces(wanted)
    ), hit as (
        select p.resident_id, piece.area_id, piece.danger, st_intersects(piece.geom, p.geom) as inside, piece.around,
            coalesce(p.precision_m >= (select a.leave_out_from_m from alert a where a.id = wanted), false) as coarse
        from piece join resident_place p on st_expand(p.geom, p.precision_m / 78000.0) && piece.geom
        where place_in_piece(p.geom, p.precision_m, piece.geom, piece.plane, piece.x, piece.y)
    )
    select distinct on (hit.resident_id) hit.resident_id, hit.area_id, hit.danger,
        case when not hit.inside then 'within_precision' when hit.around then 'within_buffer' else 'inside' end, hit.coarse
    from hit
    order by hit.resident_id, hit.coarse, hit.danger, hit.around, hit.inside desc, hit.area_id
$$;

-- As before; whoever's home is known too badly for this alert is left out, with the reason, unless they were told of what it answers.
create or replace function actual_recipients(wanted uuid, moment timestamptz)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text, needs boolean)
language sql stable rows 20000 set jit = off as $$
    with inside as materialized (
        select * from alert_audience(wanted)
    ), meaning as materialized (
        select alert_heard(wanted) as heard
    ), told as materialized (
        select distinct on (o.resident_id) o.resident_id, o.area_id, 4 as danger, 'told_before' as basis, false as coarse
        from alert_chain(wanted) c join outbox o on o.alert_id = c.alert_id
        where o.attempts > 0 or o.state in ('sending', 'accepted', 'unknown', 'delivered')
        order by o.resident_id, c.depth, o.priority, o.id
    ), reached as (
        select * from inside
        union all
        select * from told where not exists (select from inside where inside.resident_id = told.resident_id)
    ), channel as (
        select reached.*, r.language, r.needs <> '{}' or r.household_needs as needs, c.kind, c.address, case
            when c.id is null then 'no_channel'
            when r.alerts_withdrawn_at is not null then 'consent_withdrawn'
            when c.opted_out_at is not null then 'opted_out'
            when c.verified_at is null then 'unverified'
            when c.blocked_at is not null then 'blocked'
            when t.resident_id is not null then ''
            when reached.coarse then 'coarse_place'
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

-- As before, with the same choice. Whoever takes part wherever they live is told wherever they live.
create or replace function exercise_recipients(wanted uuid)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text, needs boolean)
language sql stable rows 200 set jit = off as $$
    with joined as materialized (
        select p.resident_id, p.reach, p.joined_at from alert a join exercise_participant p on p.exercise_id = a.exercise_id
        where a.id = wanted and a.status = 'exercise' and p.resident_id is not null and p.left_at is null
    ), inside as materialized (
        select i.* from alert_audience(wanted) i join joined j on j.resident_id = i.resident_id
    ), told as materialized (
        select distinct on (o.resident_id) o.resident_id, o.area_id
        from alert_chain(wanted) c join outbox o on o.alert_id = c.alert_id join joined j on j.resident_id = o.resident_id
        where j.reach <> 'all' and (o.attempts > 0 or o.state in ('sending', 'accepted', 'unknown', 'delivered'))
        order by o.resident_id, c.depth, o.priority, o.id
    ), reached as (
        select i.resident_id, i.area_id, i.danger, i.basis, i.coarse and j.reach <> 'all'
            and not exists (select from told t where t.resident_id = i.resident_id) as coarse
        from inside i join joined j on j.resident_id = i.resident_id
        union all
        select t.resident_id, t.area_id, 4, 'told_before', false from told t
        where not exists (select from inside i where i.resident_id = t.resident_id)
        union all
        select j.resident_id, null::bigint, 4, 'joined', false from joined j
        where j.reach = 'all' and not exists (select from inside i where i.resident_id = j.resident_id)
    ), channel as (
        select reached.*, r.language, r.needs <> '{}' or r.household_needs as needs, c.kind, c.address, case
            when c.id is null then 'no_channel'
            when (select not d.given from consent d where d.resident_id = r.id and d.purpose = 'drills' order by d.id desc limit 1)
                then 'consent_withdrawn'
            -- Whoever joined after they had left the alerts wants this exercise.
            when c.opted_out_at >= j.joined_at then 'opted_out'
            when c.verified_at is null then 'unverified'
            when c.blocked_at is not null then 'blocked'
            when reached.coarse then 'coarse_place'
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

-- Whether a row stayed here because somebody chose so: its reader, or whoever said how well a home must be known.
create or replace function kept_by_choice(o outbox) returns boolean language sql immutable as $$
    select o.state = 'suppressed' and o.reason in ('below_least_level', 'quiet_hours', 'coarse_place')
$$;
