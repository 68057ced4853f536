-- People, a vehicle and their team, what was asked for and each step of who was sent.
insert into resource (id, code, class, kind, name, staff_id, phone, skills, base, condition_at, created_at, changed_at) values
    (md5('resource caio')::uuid, 'P01', 'person', 'field_agent', 'Caio Souza', md5('staff caio')::uuid, '+5532900000040', '{driving,first_aid}',
        'Sede', '2026-02-15T16:00:00Z', '2026-02-15T16:00:00Z', '2026-02-15T16:00:00Z'),
    (md5('resource viatura')::uuid, 'V02', 'vehicle', 'pickup', 'Viatura 2', null, '', '{}', 'Sede', '2026-02-15T16:00:00Z', '2026-02-15T16:00:00Z',
        '2026-02-15T16:00:00Z'),
    (md5('resource equipe')::uuid, 'E01', 'team', 'inspection', 'Equipe 1', null, '', '{}', 'Sede', '2026-02-15T16:00:00Z', '2026-02-15T16:00:00Z',
        '2026-02-15T16:00:00Z');
insert into team_member (team_id, resource_id, resource_class, leads, since_at, since_by) values
    (md5('resource equipe')::uuid, md5('resource caio')::uuid, 'person', true, '2026-02-15T16:00:00Z', 'elisa'),
    (md5('resource equipe')::uuid, md5('resource viatura')::uuid, 'vehicle', false, '2026-02-15T16:00:00Z', 'elisa');
insert into resource_shift (resource_id, from_at, until_at, added_at, added_by) values
    (md5('resource viatura')::uuid, '2026-02-15T18:00:00Z', '2026-02-16T06:00:00Z', '2026-02-15T16:00:00Z', 'elisa');
insert into resource_request (id, number, incident_id, occurrence_id, kind, wanted, task, requested_at, requested_by) values
    (md5('request 1')::uuid, '2026/001', md5('incident boa vista')::uuid, md5('occurrence casa')::uuid, 'inspection', 1,
        'Vistoriar as casas da rua das Palmeiras', '2026-02-15T17:00:00Z', 'elisa');
insert into number_series (series, year, last_number) values ('resource_request', 2026, 1);
insert into deployment (id, request_id, resource_id, state, assigned_at, assigned_by, accepted_at, en_route_at) values
    (md5('deployment 1')::uuid, md5('request 1')::uuid, md5('resource equipe')::uuid, 'en_route', '2026-02-15T17:05:00Z', 'elisa',
        '2026-02-15T17:06:00Z', '2026-02-15T17:10:00Z');
insert into deployment_unit (deployment_id, resource_id, from_at) select md5('deployment 1')::uuid, id, '2026-02-15T17:05:00Z' from resource;
insert into deployment_step (deployment_id, act, state, at, told_at, actor, key) values
    (md5('deployment 1')::uuid, 'assign', 'assigned', '2026-02-15T17:05:00Z', '2026-02-15T17:05:00Z', 'elisa', null),
    (md5('deployment 1')::uuid, 'en_route', 'en_route', '2026-02-15T17:10:00Z', '2026-02-15T17:12:00Z', 'caio', 'tel-0001-3');
insert into deployment_position (deployment_id, at, told_at, geom, accuracy_m, actor) values
    (md5('deployment 1')::uuid, '2026-02-15T17:15:00Z', '2026-02-15T17:15:02Z', st_setsrid(st_makepoint(-43.351, -21.752), 4326), 12, 'caio');
