-- The level of each pair of area and hazard, and how it came about.
create table area_level (
    area_id bigint not null references risk_area (id) on delete cascade,
    cobrade text not null,
    -- What the map shows: 'unknown' while blind, whatever was known before.
    level text not null constraint area_level_level_known check (level in ('unknown', 'normal', 'observation', 'attention', 'alert', 'maximum')),
    since_at timestamptz not null,
    evaluated_at timestamptz not null,
    rule_id text not null,
    rule_version integer not null,
    reasons jsonb not null,
    -- The engine's own memory of this pair (pending rise, clearing fall, last known level).
    memory jsonb not null,
    primary key (area_id, cobrade)
);

create table level_transition (
    id bigint generated always as identity primary key,
    area_id bigint not null references risk_area (id) on delete cascade,
    cobrade text not null,
    from_level text not null,
    to_level text not null,
    at timestamptz not null,
    journal_seq bigint not null,
    rule_id text not null,
    rule_version integer not null,
    reasons jsonb not null
);
create index level_transition_area on level_transition (area_id, cobrade, at desc);
create index level_transition_at on level_transition (at desc);

-- The worst level of each area over its hazards, for maps and counts. Blind stands above normal (no data is no comfort) and
-- below every level that data support.
create view area_worst as
select a.id as area_id, a.code, a.name, a.geom, w.rank, w.grade,
       (array['normal', 'unknown', 'observation', 'attention', 'alert', 'maximum'])[w.rank] as level
from risk_area a
cross join lateral (
    select coalesce(max(array_position(array['normal', 'unknown', 'observation', 'attention', 'alert', 'maximum'],
                                       coalesce(l.level, 'unknown'))), 2) as rank,
           max(h.grade) as grade
    from area_hazard h left join area_level l on l.area_id = h.area_id and l.cobrade = h.cobrade
    where h.area_id = a.id) w;
