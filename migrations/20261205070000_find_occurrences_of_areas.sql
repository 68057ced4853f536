-- The outline of an area is read once and not once for each occurrence, so that its box and its prepared form serve them all.
-- One filter for list, map, board, counts and export. Null = no matter.
create or replace function occurrence_work(
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
      and (p_area is null or (
          o.geom && (select a.geom from risk_area a where a.code = p_area and a.retired_at is null)
          and st_intersects((select a.geom from risk_area a where a.code = p_area and a.retired_at is null), o.geom)))
$$;
