-- The neighbourhoods, and a place that somebody took out of a draft.
insert into neighbourhood (code, name, source, geom, updated_at) values
    ('boa-vista', 'Boa Vista', 'IBGE',
        st_geomfromtext('MULTIPOLYGON(((-43.37 -21.77, -43.348 -21.77, -43.348 -21.74, -43.37 -21.74, -43.37 -21.77)))', 4326),
        '2026-02-12T09:00:00Z');
insert into alert_place_removed (alert_id, at, actor, source, name, geom)
    select md5('alert rascunho de caio')::uuid, '2026-02-12T09:10:00Z', 'caio', 'neighbourhood', n.name, n.geom from neighbourhood n;
