-- Who is on call: a turn, a swap, a turn taken back, and the addresses of calendars.
insert into rota (id, code, name, layers, feed_url, feed_layer, feed_due_at, feed_problem, created_at, created_by) values
    (md5('rota plantao')::uuid, 'plantao', 'Plantão da Defesa Civil', 1, 'https://agenda.exemplo.invalid/plantao.ics', 1, '2026-02-14T00:00:00Z',
        'the event e-9 names nobody here', '2026-02-13T14:00:00Z', 'ana');
insert into rota_turn (rota_id, layer, staff_id, from_at, until_at, instead_of, source, uid, reason, made_at, made_by, withdrawn_at,
    withdrawn_by) values
    (md5('rota plantao')::uuid, 1, md5('staff caio')::uuid, '2026-02-13T21:00:00Z', '2026-02-14T09:00:00Z', null, 'feed', 'e-1', '',
        '2026-02-13T14:00:00Z', 'service', null, null),
    (md5('rota plantao')::uuid, 1, md5('staff gil')::uuid, '2026-02-14T00:00:00Z', '2026-02-14T04:00:00Z', md5('staff caio')::uuid, 'hand', '',
        'consulta médica', '2026-02-13T15:00:00Z', 'caio', null, null),
    (md5('rota plantao')::uuid, 1, md5('staff gil')::uuid, '2026-02-15T00:00:00Z', '2026-02-15T04:00:00Z', null, 'hand', '', '',
        '2026-02-13T15:00:00Z', 'elisa', '2026-02-13T15:30:00Z', 'elisa');
insert into rota_calendar (id, staff_id, rota_id, made_at, made_by) values
    (md5('calendar caio')::uuid, md5('staff caio')::uuid, null, '2026-02-13T15:40:00Z', 'caio'),
    (md5('calendar plantao')::uuid, null, md5('rota plantao')::uuid, '2026-02-13T15:40:00Z', 'elisa');
update alert_page set code = '4711' where id = md5('page 1')::uuid;
