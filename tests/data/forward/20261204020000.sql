-- An open shelter with a family in it, and one that is closed.
insert into shelter (id, code, name, geom, address_text, capacity, created_at, changed_at) values
    (md5('shelter escola')::uuid, 'escola', 'Escola da Boa Vista', st_setsrid(st_makepoint(-43.353, -21.757), 4326), 'Rua das Palmeiras, 200', 80,
        '2026-02-14T18:00:00Z', '2026-02-14T18:00:00Z'),
    (md5('shelter ginasio')::uuid, 'ginasio', 'Ginásio Central', st_setsrid(st_makepoint(-43.33, -21.74), 4326), '', 200, '2026-02-14T18:00:00Z',
        '2026-02-14T18:00:00Z');
insert into shelter_opening (id, shelter_id, incident_id, begun_at, begun_by, opened_at) values
    (md5('opening 1')::uuid, md5('shelter escola')::uuid, md5('incident boa vista')::uuid, '2026-02-14T18:00:00Z', 'elisa', '2026-02-14T18:40:00Z');
update shelter set state = 'open', opening_id = md5('opening 1')::uuid where code = 'escola';
insert into shelter_event (shelter_id, opening_id, at, actor, act, state) values
    (md5('shelter escola')::uuid, md5('opening 1')::uuid, '2026-02-14T18:00:00Z', 'elisa', 'begin', 'opening'),
    (md5('shelter escola')::uuid, md5('opening 1')::uuid, '2026-02-14T18:40:00Z', 'elisa', 'open', 'open');
insert into shelter_check (opening_id, item, good, at, actor) select md5('opening 1')::uuid, item, true, '2026-02-14T18:30:00Z', 'caio'
    from unnest(array['water', 'light', 'bathrooms', 'kitchen', 'team', 'safety']) item;
insert into household (id, code, incident_id, district, pets, consent_at, consent_text, needs_consent_at, created_at, created_by) values
    (md5('household 1')::uuid, 'F2345AB', md5('incident boa vista')::uuid, 'Boa Vista', 1, '2026-02-14T19:00:00Z', 'abrigo 2026-12',
        '2026-02-14T19:00:00Z', '2026-02-14T19:00:00Z', 'caio'),
    (md5('household simulado')::uuid, 'F6789CD', md5('incident simulado')::uuid, 'Boa Vista', 0, '2026-02-14T19:00:00Z', 'abrigo 2026-12', null,
        '2026-02-14T19:00:00Z', 'caio');
insert into displaced_person (id, household_id, code, age, needs, created_at, created_by) values
    (md5('person 1')::uuid, md5('household 1')::uuid, 'P2345AB', 'adult', '{}', '2026-02-14T19:00:00Z', 'caio'),
    (md5('person 2')::uuid, md5('household 1')::uuid, 'P2345CD', 'elder', '{mobility,medication}', '2026-02-14T19:00:00Z', 'caio');
insert into stay (id, person_id, shelter_id, opening_id, host, from_at, from_by, until_at, until_by, ended_as, destination) values
    (md5('stay 1')::uuid, md5('person 1')::uuid, md5('shelter escola')::uuid, md5('opening 1')::uuid, null, '2026-02-14T19:00:00Z', 'caio',
        '2026-02-15T09:00:00Z', 'caio', 'left', 'relatives'),
    (md5('stay 2')::uuid, md5('person 1')::uuid, null, null, 'relatives', '2026-02-15T09:00:00Z', 'caio', null, null, null, null),
    (md5('stay 3')::uuid, md5('person 2')::uuid, md5('shelter escola')::uuid, md5('opening 1')::uuid, null, '2026-02-14T19:00:00Z', 'caio', null,
        null, null, null);
insert into vault_record (id, purpose, subject, sealed, created_by, created_at, keep_until) values
    (md5('vault person 1')::uuid, 'sheltered_person', 'displaced_person:' || md5('person 1')::uuid, '\x011112131415161718ee', 'caio',
        '2026-02-14T19:00:00Z', '2031-02-14');
