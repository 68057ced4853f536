-- What risk areas were, are and will be. risk_area and area_hazard stay what the rest of the service reads; each change of them comes
-- from a version here, which nobody can rewrite.
alter table risk_area
    -- Out of service since then: nothing is judged there and nobody is warned for it. What was said of it stands.
    add column retired_at timestamptz,
    -- What the source says of the area beyond name and grades, such as the attributes of an SGB sector.
    add column details jsonb not null default '{}' constraint risk_area_details_object check (jsonb_typeof(details) = 'object');

create table area_version (
    id bigint generated always as identity primary key,
    -- Not a reference: a draft may speak of an area that does not stand yet.
    code text not null constraint area_version_code_shape check (code ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$'),
    -- 1, 2, 3 … of each code.
    number integer not null constraint area_version_number_positive check (number >= 1),
    state text not null constraint area_version_state_known check (state in ('draft', 'planned', 'effective', 'withdrawn')),
    name text not null constraint area_version_name_length check (length(name) between 1 and 200),
    source text not null default '',
    geom geometry(MultiPolygon, 4326) not null constraint area_version_geom_valid check (st_isvalid(geom)),
    -- Grade by COBRADE: {"1.1.3.2.1": "R3"}.
    hazards jsonb not null constraint area_version_hazards_object check (jsonb_typeof(hazards) = 'object'),
    details jsonb not null default '{}' constraint area_version_details_object check (jsonb_typeof(details) = 'object'),
    -- While this version is in force the area is out of service; the shape is the one it had.
    retired boolean not null default false,
    area_m2 double precision not null generated always as (st_area(geom::geography)) stored,
    origin text not null constraint area_version_origin_known check (origin in
        ('before', 'import', 'service', 'drawing', 'restore', 'retire')),
    -- The file and its hash, the address of the service, or the number of the version that was restored.
    origin_detail jsonb not null default '{}',
    reason text not null default '' constraint area_version_reason_length check (length(reason) <= 2000),
    -- User name of whoever made it; "command" and "service" as in the audit.
    author text not null,
    created_at timestamptz not null,
    -- The version that was in force when this one was written.
    based_on integer,
    planned_for timestamptz,
    -- In force from (inclusive) until (exclusive); until is null while it is.
    valid_from timestamptz,
    valid_until timestamptz,
    constraint area_version_number_unique unique (code, number),
    constraint area_version_planned_complete check (state <> 'planned' or planned_for is not null),
    constraint area_version_validity check (
        (state = 'effective') = (valid_from is not null) and (valid_until is null or valid_until >= valid_from))
);
-- One version of an area is in force at a time.
create unique index area_version_in_force on area_version (code) where state = 'effective' and valid_until is null;
create index area_version_due on area_version (planned_for) where state = 'planned';
create index area_version_past on area_version (code, valid_from) where state = 'effective';
create index area_version_geom_gist on area_version using gist (geom);

-- What was written stands; a version only takes force, ends, or is withdrawn before it ever did.
create function keep_area_version() returns trigger language plpgsql as $$
begin
    if tg_op <> 'UPDATE' then
        raise exception 'versions of areas are kept' using errcode = 'restrict_violation';
    end if;
    if (old.code, old.number, old.name, old.source, st_asbinary(old.geom), old.hazards, old.details, old.retired, old.origin,
            old.origin_detail, old.reason, old.created_at, old.based_on, old.planned_for)
        is distinct from (new.code, new.number, new.name, new.source, st_asbinary(new.geom), new.hazards, new.details, new.retired,
            new.origin, new.origin_detail, new.reason, new.created_at, new.based_on, new.planned_for)
        or (old.state <> new.state and old.state in ('effective', 'withdrawn'))
        or (old.valid_from is not null and old.valid_from <> new.valid_from)
        or (old.valid_until is not null and old.valid_until is distinct from new.valid_until) then
        raise exception 'version % of area % is kept as it is', old.number, old.code using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger area_version_kept before update or delete on area_version for each row execute function keep_area_version();
create trigger area_version_kept_whole before truncate on area_version for each statement execute function keep_area_version();

-- What is known of the areas that stand already: they have been as they are since they were last changed. What they were before that
-- nobody wrote down.
insert into area_version (code, number, state, name, source, geom, hazards, origin, author, created_at, valid_from)
select a.code, 1, 'effective', a.name, a.source, a.geom,
       coalesce((select jsonb_object_agg(h.cobrade, h.grade) from area_hazard h where h.area_id = a.id), '{}'),
       'before', 'service', a.updated_at, a.updated_at
from risk_area a;

-- Areas out of service are on no map and in no count.
create or replace view area_worst as
select a.id as area_id, a.code, a.name, a.geom, w.rank, w.grade,
       (array['normal', 'unknown', 'observation', 'attention', 'alert', 'maximum'])[w.rank] as level
from risk_area a
cross join lateral (
    select coalesce(max(array_position(array['normal', 'unknown', 'observation', 'attention', 'alert', 'maximum'],
                                       coalesce(l.level, 'unknown'))), 2) as rank,
           max(h.grade) as grade
    from area_hazard h left join area_level l on l.area_id = h.area_id and l.cobrade = h.cobrade
    where h.area_id = a.id) w
where a.retired_at is null;

-- What was read from a file or a service and waits for somebody to look at what it would change. Kept for a day: the areas it brings
-- are kept by their versions.
create table area_import (
    id uuid primary key,
    created_at timestamptz not null,
    author text not null,
    -- The file's own name, or the address it was read from.
    name text not null constraint area_import_name_length check (length(name) between 1 and 500),
    origin text not null constraint area_import_origin_known check (origin in ('import', 'service')),
    format text not null constraint area_import_format_known check (format in ('geojson', 'csv')),
    body bytea not null constraint area_import_body_bound check (length(body) <= 33554432),
    sha256 text not null
);
create index area_import_created on area_import (created_at);
