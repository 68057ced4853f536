-- Occurrences are worked to their end: who was sent, how urgent it is and why, and what it belongs to. What people reported stays
-- as it is; this is what the desk and the teams add.
alter table occurrence
    drop constraint occurrence_state_known,
    add constraint occurrence_state_known check (state in
        ('new', 'confirmed', 'dispatched', 'on_scene', 'resolved', 'closed', 'dismissed', 'merged')),
    -- COBRADE: of its kind, or what a person said.
    add column cobrade text constraint occurrence_cobrade_shape check (cobrade ~ '^[0-9](\.[0-9]){4}$'),
    add column cobrade_by_hand boolean not null default false,
    -- 1 (lives in danger) to 4 (can wait). What counts: a person's word, else the rule's.
    add column priority smallint not null default 4 constraint occurrence_priority_range check (priority between 1 and 4),
    add column priority_rule smallint not null default 4 constraint occurrence_priority_rule_range check (priority_rule between 1 and 4),
    add column priority_points integer not null default 0,
    add column priority_reasons jsonb not null default '[]',
    -- Who set it by hand, and why; null while the rule's counts.
    add column priority_by text,
    add column priority_because text,
    -- When the rule looks again, because waiting counts; null when it need not.
    add column priority_due_at timestamptz,
    add column people_at_risk integer constraint occurrence_people_range check (people_at_risk between 0 and 100000),
    -- The words of `occurrences::Need`.
    add column needs text[] not null default '{}' constraint occurrence_needs_few check (cardinality(needs) <= 16),
    -- The account that answers for it.
    add column assignee text,
    -- Who was sent, in words.
    add column unit text not null default '' constraint occurrence_unit_length check (char_length(unit) <= 120),
    add column dispatched_at timestamptz,
    add column on_scene_at timestamptz,
    add column resolved_at timestamptz,
    -- Where it is as the public may know it: a point of its neighbourhood, and the neighbourhood's name.
    add column public_geom geometry(Point, 4326),
    add column neighbourhood text not null default '',
    add constraint occurrence_priority_by_whole check ((priority_by is null) = (priority_because is null)
        and (priority_by is not null or priority = priority_rule));

update occurrence set cobrade = case kind
    when 'landslide' then '1.1.3.2.1' when 'cracks' then '1.1.3.2.1' when 'flooding' then '1.2.1.0.0'
    when 'flash_flood' then '1.2.2.0.0' when 'waterlogging' then '1.2.3.0.0' when 'fallen_tree' then '1.3.2.1.5'
    when 'roof_off' then '1.3.2.1.5' when 'wire_down' then '1.3.2.1.5' when 'hail' then '1.3.2.1.3'
    when 'collapse' then '2.4.1.0.0' when 'fire' then '2.3.1.2.0' when 'vegetation_fire' then '1.4.1.3.2' end;
-- Whatever waits is judged by the rule once the service runs.
update occurrence set priority_due_at = opened_at where state in ('new', 'confirmed');

drop index occurrence_geom_gist;
create index occurrence_geom_gist on occurrence using gist (geom) where state in ('new', 'confirmed', 'dispatched', 'on_scene');
create index occurrence_work on occurrence (state, priority, opened_at desc, id desc);
create index occurrence_incident on occurrence (incident_id) where incident_id is not null;
create index occurrence_priority_due on occurrence (priority_due_at) where priority_due_at is not null;

-- Whoever may see everything sees the place; the public sees the neighbourhood, else the risk area, else a kilometre. Its point depends on
-- the neighbourhood alone, so that nobody finds the house by asking for smaller and smaller boxes.
create function blur_occurrence() returns trigger language plpgsql as $$
declare
    part record;
begin
    if new.geom is null then
        new.public_geom := null;
        new.neighbourhood := '';
        return new;
    end if;
    select n.name, st_pointonsurface(n.geom) as at into part
        from neighbourhood n where st_intersects(n.geom, new.geom) order by n.name, n.id limit 1;
    if not found then
        select a.name, st_pointonsurface(a.geom) as at into part
            from risk_area a where a.retired_at is null and st_intersects(a.geom, new.geom) order by a.name, a.id limit 1;
    end if;
    if found then
        new.neighbourhood := part.name;
        new.public_geom := part.at;
    else
        new.neighbourhood := '';
        new.public_geom := st_snaptogrid(new.geom, 0.01);
    end if;
    return new;
end $$;
create trigger occurrence_blur before insert or update of geom on occurrence for each row execute function blur_occurrence();
update occurrence set geom = geom where geom is not null;

-- What the desk takes by hand is a report like others, with where it came from.
alter table report
    drop constraint report_source_known,
    add constraint report_source_known check (source in ('web', 'field', 'api', 'sms', 'email', 'desk'));
create table report_cause (
    report_id uuid primary key references report (id),
    kind text not null constraint report_cause_kind_known check (kind in
        ('call', 'radio', 'in_person', 'agency', 'alert', 'level', 'reading')),
    alert_id uuid references alert (id),
    -- What was seen, as it stood: number and headline; area, hazard and levels; station, stream, value and unit.
    detail jsonb not null,
    constraint report_cause_alert_named check ((kind = 'alert') = (alert_id is not null))
);
create trigger report_cause_append_only before update or delete or truncate on report_cause
    for each statement execute function refuse_rewrite();

-- Each joining of two occurrences, with how both stood, so that it can be undone.
create table occurrence_merge (
    id bigint generated always as identity primary key,
    from_id uuid not null references occurrence (id),
    into_id uuid not null references occurrence (id),
    at timestamptz not null,
    actor text not null,
    reason text not null,
    from_state text not null,
    into_state text not null,
    -- When each was confirmed before; null = it was not.
    from_confirmed_at timestamptz,
    into_confirmed_at timestamptz,
    -- When the other was confirmed once they were one: whoever decided later is not undone.
    into_confirmed_after timestamptz,
    -- Whether the other was put into the incident of this one.
    carried_incident boolean not null,
    reports uuid[] not null,
    undone_at timestamptz,
    undone_by text,
    undone_because text,
    constraint occurrence_merge_apart check (from_id <> into_id),
    constraint occurrence_merge_undone_whole check (num_nonnulls(undone_at, undone_by, undone_because) in (0, 3))
);
create unique index occurrence_merge_standing on occurrence_merge (from_id) where undone_at is null;
create index occurrence_merge_into on occurrence_merge (into_id);
-- A place that came along with a joining goes with it when that is undone.
alter table occurrence_placing add column merge_id bigint references occurrence_merge (id);

-- One filter for list, map, board, counts and export. Null = no matter.
create function occurrence_work(
    p_states text[], p_priority smallint, p_hazard text, p_area text, p_kind text, p_since timestamptz, p_until timestamptz,
    p_assignee text, p_incident uuid, p_box double precision[]
) returns setof occurrence language sql stable as $$
    select o.* from occurrence o
    where o.state = any(p_states)
      and (p_priority is null or o.priority = p_priority)
      and (p_hazard is null or o.cobrade = p_hazard)
      and (p_kind is null or o.kind = p_kind)
      and (p_since is null or o.opened_at >= p_since)
      and (p_until is null or o.opened_at < p_until)
      and (p_assignee is null or o.assignee = p_assignee)
      and (p_incident is null or o.incident_id = p_incident)
      and (p_box is null or o.geom && st_makeenvelope(p_box[1], p_box[2], p_box[3], p_box[4], 4326))
      and (p_area is null or exists (
          select from risk_area a where a.code = p_area and a.retired_at is null and st_intersects(a.geom, o.geom)))
$$;
