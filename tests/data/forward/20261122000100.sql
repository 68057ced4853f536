-- The catalogue of a small town: two gauges, a slope and a flood plain, and who lives there.
insert into station (code, name, geom, elevation_m, source, created_at, updated_at) values
    ('PLV-01', 'Pluviômetro Boa Vista', st_setsrid(st_makepoint(-43.356, -21.754), 4326), 812, 'CEMADEN', '2025-11-03T12:00:00Z',
        '2025-11-03T12:00:00Z'),
    ('FLV-02', 'Régua do Rio das Pedras', st_setsrid(st_makepoint(-43.341, -21.771), 4326), 671, 'Defesa Civil', '2025-11-03T12:00:00Z',
        '2025-11-04T09:30:00Z');
insert into datastream (station_id, name, quantity, unit, kind, interval_s, stale_after_s, created_at)
select s.id, d.name, d.quantity, d.unit, d.kind, d.interval_s, d.stale_after_s, '2025-11-03T12:00:00Z'
from (values ('PLV-01', 'rain', 'rain', 'mm', 'interval_sum', 600, 3600), ('PLV-01', 'rain_total', 'rain', 'mm', 'cumulative_counter', null, 3600),
    ('FLV-02', 'level', 'water_level', 'm', 'instantaneous', null, 7200)) d (station, name, quantity, unit, kind, interval_s, stale_after_s)
join station s on s.code = d.station;
insert into device (code, station_id, secret_sha256, online, last_seen_at, created_at)
select d.code, s.id, sha256(convert_to(d.code || chr(1) || 'segredo-de-teste', 'UTF8')), d.online, d.last_seen_at, '2025-11-03T12:10:00Z'
from (values ('dl-boa-vista', 'PLV-01', true, timestamptz '2026-02-10T09:50:03Z'), ('dl-regua', 'FLV-02', false, null)) d (code, station, online,
    last_seen_at)
join station s on s.code = d.station;

insert into risk_area (code, name, geom, source, created_at, updated_at) values
    ('encosta-boa-vista', 'Encosta da Boa Vista',
        st_geomfromtext('MULTIPOLYGON(((-43.36 -21.76, -43.35 -21.76, -43.35 -21.75, -43.36 -21.75, -43.36 -21.76)))', 4326),
        'SGB 2024', '2025-11-03T12:00:00Z', '2025-12-01T15:00:00Z'),
    ('varzea-rio-das-pedras', 'Várzea do Rio das Pedras',
        st_geomfromtext('MULTIPOLYGON(((-43.345 -21.775, -43.335 -21.775, -43.335 -21.765, -43.345 -21.765, -43.345 -21.775)))', 4326),
        'Defesa Civil', '2025-11-03T12:00:00Z', '2025-11-03T12:00:00Z');
insert into area_hazard (area_id, cobrade, grade)
select a.id, h.cobrade, h.grade from (values ('encosta-boa-vista', '1.1.3.2.1', 'R4'), ('encosta-boa-vista', '1.2.3.0.0', 'R2'),
    ('varzea-rio-das-pedras', '1.2.1.0.0', 'R3')) h (area, cobrade, grade) join risk_area a on a.code = h.area;

insert into resident (id, external_ref, name, language, consent_at, consent_source, created_at, deleted_at) values
    (md5('resident joana')::uuid, 'SUAS-0001', 'Joana Batista', 'pt-BR', '2025-11-10T13:00:00Z', 'cadastro do CRAS', '2025-11-10T13:00:00Z', null),
    (md5('resident pedro')::uuid, 'SUAS-0002', 'Pedro Nonato', 'pt-BR', '2025-11-11T13:00:00Z', 'cadastro do CRAS', '2025-11-11T13:00:00Z', null),
    (md5('resident apagado')::uuid, null, '', 'es', '2025-11-12T13:00:00Z', 'mutirão', '2025-11-12T13:00:00Z', '2026-01-05T10:00:00Z');
insert into resident_place (resident_id, label, geom, precision_m) values
    (md5('resident joana')::uuid, 'home', st_setsrid(st_makepoint(-43.355, -21.755), 4326), 30),
    (md5('resident pedro')::uuid, 'home', st_setsrid(st_makepoint(-43.340, -21.770), 4326), 300);
insert into resident_channel (resident_id, kind, address, verified_at, opted_out_at) values
    (md5('resident joana')::uuid, 'sms', '+5532900000001', '2025-11-10T13:05:00Z', null),
    (md5('resident joana')::uuid, 'email', 'joana@exemplo.invalid', '2025-11-10T13:06:00Z', '2025-12-24T11:00:00Z'),
    (md5('resident pedro')::uuid, 'sms', '+5532900000002', '2025-11-11T13:05:00Z', null);
