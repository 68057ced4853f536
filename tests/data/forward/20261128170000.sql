-- The register of addresses, and where a person put an occurrence.
insert into address_street (id, source, kind, key, words, name, neighbourhood, neighbourhood_key, ceps, middle, reach_m, west, south, east,
    north) values
    (1, 'own', 'rua', 'palmeiras', '{palmeiras}', 'Rua das Palmeiras', 'Boa Vista', 'boa vista', '{36000100}',
        st_setsrid(st_makepoint(-43.352, -21.758), 4326), 140, -43.3535, -21.759, -43.3505, -21.757);
insert into address (street_id, number, suffix, cep, geom, accuracy_m) values
    (1, 120, '', '36000100', st_setsrid(st_makepoint(-43.352, -21.758), 4326), 10),
    (1, 120, 'a', '36000100', st_setsrid(st_makepoint(-43.3521, -21.758), 4326), 10);
insert into address_postcode (source, cep, street, middle, reach_m) values
    ('own', '36000100', 'Rua das Palmeiras', st_setsrid(st_makepoint(-43.352, -21.758), 4326), 140);
insert into address_source (source, imported_at, streets, addresses, file_sha256, rows_sha256) values
    ('own', '2026-02-10T17:00:00Z', 1, 2, encode(sha256('arquivo'), 'hex'), encode(sha256('linhas'), 'hex'));
insert into occurrence_placing (occurrence_id, at, actor, geom, precision_m, label) values
    (md5('occurrence fio')::uuid, '2026-02-10T17:10:00Z', 'caio', st_setsrid(st_makepoint(-43.352, -21.758), 4326), 10, 'Rua das Palmeiras, 120');
update occurrence set geom = st_setsrid(st_makepoint(-43.352, -21.758), 4326), precision_m = 10 where id = md5('occurrence fio')::uuid;
