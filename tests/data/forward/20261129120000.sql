-- An area drawn anew by a person: a draft, the version that is planned, and a file that waits to be looked at.
insert into area_version (code, number, state, name, source, geom, hazards, origin, origin_detail, reason, author, created_at, based_on, planned_for)
select a.code, v.number, v.state, a.name, 'Defesa Civil', a.geom, '{"1.1.3.2.1": "R3"}', 'drawing', '{}', 'muro de arrimo pronto', 'elisa',
    '2026-02-11T12:00:00Z', 1, v.planned_for
from risk_area a, (values (2, 'withdrawn', null::timestamptz), (3, 'planned', '2036-03-01T03:00:00Z')) v (number, state, planned_for)
where a.code = 'encosta-boa-vista';
insert into area_import (id, created_at, author, name, origin, format, body, sha256) values
    (md5('import areas')::uuid, '2026-02-11T12:10:00Z', 'elisa', 'setores.geojson', 'import', 'geojson',
        '{"type":"FeatureCollection","features":[]}', encode(sha256('{"type":"FeatureCollection","features":[]}'), 'hex'));
update risk_area set details = '{"setor": "MG_JF_SR_12"}' where code = 'encosta-boa-vista';
