-- What an alert says in other languages than the town's own, whose texts stand in `alert` itself.
create table alert_text (
    alert_id uuid not null references alert (id) on delete cascade,
    language text not null constraint alert_text_language_form check (language ~ '^[a-z]{2}(-[A-Z]{2})?$' and language <> 'pt-BR'),
    headline text not null,
    description text not null,
    instruction text not null,
    sms_text text not null,
    -- A person has changed them: they are never made anew from the template.
    edited boolean not null default false,
    primary key (alert_id, language)
);

-- Where an alert holds besides the town's risk areas: what was drawn, a circle, a neighbourhood, a file.
create table alert_shape (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id) on delete cascade,
    source text not null constraint alert_shape_source_known check (source in ('drawn', 'circle', 'neighbourhood', 'upload')),
    name text not null constraint alert_shape_named check (btrim(name) <> ''),
    -- As it was given. What messages carry is made simpler from it when they leave.
    geom geometry(MultiPolygon, 4326) not null,
    -- Of a circle.
    centre geometry(Point, 4326),
    radius_km double precision constraint alert_shape_radius_positive check (radius_km > 0),
    constraint alert_shape_circle_whole check ((source = 'circle') = (centre is not null) and (source = 'circle') = (radius_km is not null))
);
create index alert_shape_alert on alert_shape (alert_id);
create index alert_shape_geom_gist on alert_shape using gist (geom);

-- Everything that an alert holds for, whatever it is.
create view alert_target as
    select aa.alert_id, aa.area_id, null::bigint as shape_id, r.code, aa.name, aa.geom
    from alert_area aa join risk_area r on r.id = aa.area_id
    union all
    select s.alert_id, null, s.id, null, s.name, s.geom from alert_shape s;

-- Once an alert has left, what it said and where stands.
create function keep_parts_of_issued_alert() returns trigger language plpgsql as $$
declare
    said text;
begin
    select number into said from alert where id = coalesce(new.alert_id, old.alert_id) and cap_xml is not null;
    if said is not null then
        raise exception 'alert % is issued and cannot be rewritten', said using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;
create trigger alert_text_keep_issued before insert or update or delete on alert_text
    for each row execute function keep_parts_of_issued_alert();
create trigger alert_shape_keep_issued before insert or update or delete on alert_shape
    for each row execute function keep_parts_of_issued_alert();
