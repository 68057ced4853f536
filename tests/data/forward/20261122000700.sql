-- The incident of the first alert with its timeline, one that is closed, and one of the exercise.
insert into incident (id, number, title, cobrade, state, opened_at, opened_by, closed_at, closed_by) values
    (md5('incident boa vista')::uuid, '2026/001', 'Deslizamento na Boa Vista', '1.1.3.2.1', 'open', '2026-02-01T00:20:00Z', 'davi', null, null),
    (md5('incident vendaval')::uuid, '2026/002', 'Vendaval no Centro', '1.3.2.1.5', 'closed', '2026-01-12T20:00:00Z', 'elisa',
        '2026-01-14T12:00:00Z', 'elisa'),
    (md5('incident simulado')::uuid, '2026/003', 'Simulado na Boa Vista', '1.1.3.2.1', 'open', '2026-01-20T13:00:00Z', 'elisa', null, null);
insert into number_series (series, year, last_number) values ('incident', 2026, 3);
insert into incident_alert (incident_id, alert_id) values
    (md5('incident boa vista')::uuid, md5('alert em vigor')::uuid), (md5('incident simulado')::uuid, md5('alert simulado')::uuid);
insert into incident_entry (incident_id, at, actor, kind, text, detail) values
    (md5('incident boa vista')::uuid, '2026-02-01T00:20:00Z', 'davi', 'alert', 'issued · 2026/001',
        jsonb_build_object('alert_id', md5('alert em vigor')::uuid)),
    (md5('incident boa vista')::uuid, '2026-02-01T00:45:00Z', 'caio', 'note', 'Equipe a caminho da rua das Palmeiras.', '{}');
