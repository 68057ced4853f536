-- Whether an alert concerns a risk area: it names it, or a place that was drawn, a circle, a neighbourhood or a file lies over it.
-- The area is taken as it was when the alert left, so that the answer stays what it is; where nobody wrote that down, as it is now.
-- Places that only touch at their edges have no ground in common.
create function alert_concerns_area(alert uuid, left_at timestamptz, area_code text) returns boolean language sql stable
    return exists (select from alert_area aa join risk_area r on r.id = aa.area_id where aa.alert_id = alert and r.code = area_code)
        or exists (
            select from alert_shape s,
                lateral (select coalesce(
                    (select v.geom from area_version v
                     where v.code = area_code and v.state = 'effective' and v.valid_from <= left_at
                       and (v.valid_until is null or v.valid_until > left_at)
                     order by v.valid_from desc limit 1),
                    (select r.geom from risk_area r where r.code = area_code)) as geom) as area
            where s.alert_id = alert and st_intersects(s.geom, area.geom) and not st_touches(s.geom, area.geom));
