-- An occurrence that is worked: whose cause the desk wrote down, whom it sent, and two that were joined.
insert into occurrence (id, number, kind, state, geom, precision_m, opened_at, first_at, last_at, decided_at, decided_by, confirmed_at, trust,
    pressing, cobrade, priority, priority_rule, priority_points, priority_reasons, people_at_risk, needs, assignee, unit, dispatched_at,
    on_scene_at) values
    (md5('occurrence casa')::uuid, '2026/007', 'cracks', 'on_scene', st_setsrid(st_makepoint(-43.3555, -21.7555), 4326), 10, '2026-02-14T08:00:00Z',
        '2026-02-14T08:00:00Z', '2026-02-14T08:00:00Z', '2026-02-14T08:05:00Z', 'caio', '2026-02-14T08:05:00Z', 0.9, 1.8,
        '1.1.3.2.1', 2, 2, 35, '[{"why": "kind", "points": 25, "what": "cracks"}, {"why": "people", "points": 10, "what": "5"}]', 5, '{}', 'caio',
            'Viatura 2', '2026-02-14T08:10:00Z', '2026-02-14T08:30:00Z'),
    (md5('occurrence casa de novo')::uuid, '2026/008', 'cracks', 'new', st_setsrid(st_makepoint(-43.3556, -21.7555), 4326), 10,
        '2026-02-14T08:20:00Z', '2026-02-14T08:20:00Z', '2026-02-14T08:20:00Z', null, null, null, 0.4, 0.8, '1.1.3.2.1', 3, 3, 25, '[]', null, '{}',
        null, '', null, null);
insert into report (id, protocol, idempotency_key, source, kind, words, place, geom, precision_m, place_from, observed_at, received_at, language,
    reporter, standing, staff) values
    (md5('report 2026/007')::uuid, 'R-2026-007', 'chave-2026-007', 'desk', 'cracks', 'Trincas na casa', 'Rua das Palmeiras, 98',
        st_setsrid(st_makepoint(-43.3555, -21.7555), 4326), 10, 'address', '2026-02-14T08:00:00Z', '2026-02-14T08:00:00Z', 'pt-BR',
        decode(md5('caio'), 'hex'), 'staff', 'caio');
insert into report_standing (report_id, occurrence_id, because, trust, reasons, weight) values
    (md5('report 2026/007')::uuid, md5('occurrence casa')::uuid, '{"why": "first_here"}', 0.9, '[{"why": "staff", "count": 0, "points": 90}]', 0.9);
insert into report_cause (report_id, kind, detail) values (md5('report 2026/007')::uuid, 'call', '{"who": "moradora"}');
insert into occurrence_merge (from_id, into_id, at, actor, reason, from_state, into_state, into_confirmed_at, into_confirmed_after, carried_incident,
    reports) values
    (md5('occurrence casa de novo')::uuid, md5('occurrence casa')::uuid, '2026-02-14T08:25:00Z', 'caio', 'mesma casa', 'new', 'confirmed',
        '2026-02-14T08:05:00Z', '2026-02-14T08:05:00Z', false, '{}');
update occurrence set state = 'merged', merged_into = md5('occurrence casa')::uuid, decided_at = '2026-02-14T08:25:00Z', decided_by = 'caio'
    where id = md5('occurrence casa de novo')::uuid;
insert into occurrence_event (occurrence_id, at, actor, kind, text, detail) values
    (md5('occurrence casa')::uuid, '2026-02-14T08:10:00Z', 'caio', 'dispatched', 'Viatura 2', '{}');
update number_series set last_number = case series when 'occurrence' then 8 else 7 end where series in ('occurrence', 'report');
