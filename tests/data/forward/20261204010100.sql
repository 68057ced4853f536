-- Situation reports: the first approved, the second a draft that Elisa changed last; and a lesson.
insert into situation_report (id, incident_id, number, state, from_at, until_at, figures, situation, made_at, made_by, changed_at, changed_by,
    approved_at, approved_by) values
    (md5('sitrep 1')::uuid, md5('incident boa vista')::uuid, 1, 'approved', '2026-02-01T00:20:00Z', '2026-02-14T11:00:00Z',
        '[{"key": "tasks_open", "value": 1, "before": null, "source": "tasks"}]', 'A encosta está estável.', '2026-02-14T11:00:00Z', 'elisa',
        '2026-02-14T11:05:00Z', 'caio', '2026-02-14T11:10:00Z', 'elisa'),
    (md5('sitrep 2')::uuid, md5('incident boa vista')::uuid, 2, 'draft', '2026-02-14T11:00:00Z', '2026-02-14T17:00:00Z',
        '[{"key": "tasks_open", "value": 0, "before": 1, "source": "tasks"}]', '', '2026-02-14T17:00:00Z', 'caio', '2026-02-14T17:05:00Z', 'elisa',
        null, null),
    (md5('sitrep 3')::uuid, md5('incident vendaval')::uuid, 1, 'draft', '2026-01-12T20:00:00Z', '2026-01-13T20:00:00Z', '[]', '',
        '2026-01-13T20:00:00Z', 'quem-saiu', '2026-01-13T20:00:00Z', 'quem-saiu', null, null);
insert into incident_lesson (id, incident_id, text, owner, due_on, added_at, added_by) values
    (md5('lesson 1')::uuid, md5('incident vendaval')::uuid, 'Motosserra reserva na base', 'Caio Souza', '2026-03-31', '2026-02-14T17:10:00Z',
        'elisa');
