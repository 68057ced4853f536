-- A report with those who wrote it.
insert into situation_report (id, incident_id, number, state, from_at, until_at, figures, situation, made_at, made_by, changed_at, changed_by,
    approved_at, approved_by, authors, approved_alone) values
    (md5('sitrep simulado')::uuid, md5('incident simulado')::uuid, 1, 'approved', '2026-01-20T13:00:00Z', '2026-01-20T15:00:00Z', '[]',
        'Simulado concluído.', '2026-02-16T13:00:00Z', 'elisa', '2026-02-16T13:00:00Z', 'elisa', '2026-02-16T13:05:00Z', 'elisa',
        array[md5('staff elisa')::uuid], true);
