-- The town's neighbourhoods, by which people name places. They carry no grade and no rule judges them; an alert may hold for one.
-- They are brought in whole by `sentinela import neighbourhoods`.
create table neighbourhood (
    id bigint generated always as identity primary key,
    code text not null constraint neighbourhood_code_unique unique
        constraint neighbourhood_code_shape check (code ~ '^[a-z0-9][a-z0-9_.:-]{0,63}$'),
    name text not null constraint neighbourhood_name_length check (char_length(btrim(name)) between 1 and 120),
    source text not null default '' constraint neighbourhood_source_length check (char_length(source) <= 200),
    geom geometry(MultiPolygon, 4326) not null constraint neighbourhood_geom_valid check (st_isvalid(geom) and not st_isempty(geom)),
    updated_at timestamptz not null
);
create index neighbourhood_geom_gist on neighbourhood using gist (geom);

-- What somebody took out of a draft, so that it can be put back as it was. `area_id` of a risk area, `source` of any other place.
create table alert_place_removed (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id) on delete cascade,
    at timestamptz not null,
    actor text not null,
    area_id bigint references risk_area (id),
    explanation jsonb,
    source text constraint alert_place_removed_source_known check (source in ('drawn', 'circle', 'neighbourhood', 'upload')),
    name text not null,
    geom geometry(MultiPolygon, 4326) not null,
    centre geometry(Point, 4326),
    radius_km double precision,
    constraint alert_place_removed_one check ((area_id is null) <> (source is null))
);
create index alert_place_removed_alert on alert_place_removed (alert_id, id desc);

-- The places of an alert in pieces that an index serves well, whatever they are. `danger`: 0 = R4 … 3 = R1, 4 = no grade, as of
-- whatever is no risk area. `plane` is the piece in metres at its own latitude (`x`, `y`: metres in a degree): as exact as the
-- places of people are, and far cheaper than a sphere.
create or replace function alert_pieces(wanted uuid)
returns table (area_id bigint, danger integer, geom geometry, plane geometry, x double precision, y double precision)
language sql stable rows 200 as $$
    with area as materialized (
        select t.area_id, t.geom, coalesce(
            (select 4 - right(h.grade, 1)::integer from area_hazard h where h.area_id = t.area_id and h.cobrade = a.cobrade),
            (select min(4 - right(h.grade, 1)::integer) from area_hazard h where h.area_id = t.area_id),
            4) as danger
        from alert a join alert_target t on t.alert_id = a.id
        where a.id = wanted
    ), part as (
        select area.area_id, area.danger, st_subdivide(area.geom, 64) as geom from area
    )
    select part.area_id, part.danger, part.geom, st_affine(part.geom, m.x, 0, 0, 110574, 0, 0), m.x, 110574
    from part cross join lateral (
        select 111320 * cos(radians((st_ymin(part.geom) + st_ymax(part.geom)) / 2)) as x) as m
    order by part.danger, part.area_id
$$;
