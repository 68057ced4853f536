-- A contingency plan in force, at work in an incident, with a task that was done and one that waits.
insert into contingency_plan (id, code, created_at, created_by) values (md5('plan chuvas')::uuid, 'chuvas', '2026-01-05T12:00:00Z', 'elisa');
insert into plan_version (id, plan_id, number, state, title, source, document, changed_at, changed_by, in_force_at, approved_by, review_on) values
    (md5('plan chuvas 1')::uuid, md5('plan chuvas')::uuid, 1, 'in_force', 'Plano de contingência: chuvas', 'title = "Plano de contingência: chuvas"',
        '{"title": "Plano de contingência: chuvas", "summary": "", "routes": [], "contacts": [], "meeting_points": [],
        "scenarios": [{"code": "deslizamento", "title": "Deslizamento", "hazards": ["1.1.3.2.1"], "areas": [], "hypothesis": "", "trigger": "attention", "actions": [
            {"code": "reunir-plantao", "title": "Reunir o plantão", "level": "attention", "role": "operator", "rota": null, "due_min": 15, "after": [], "checklist": ["Chamar quem está de sobreaviso"]},
            {"code": "abrir-abrigos", "title": "Abrir os abrigos", "level": "alert", "role": null, "rota": "plantao", "due_min": 45, "after": ["reunir-plantao"], "checklist": []}]}]}',
        '2026-01-05T12:00:00Z', 'elisa', '2026-01-06T12:00:00Z', 'davi', '2027-01-06');
insert into plan_act (version_id, at, act, staff_id, actor) values
    (md5('plan chuvas 1')::uuid, '2026-01-05T12:00:00Z', 'write', md5('staff elisa')::uuid, 'elisa'),
    (md5('plan chuvas 1')::uuid, '2026-01-06T12:00:00Z', 'approve', md5('staff davi')::uuid, 'davi');
insert into plan_activation (id, incident_id, version_id, scenario, scenario_title, level, drill, alert_id, activated_at, activated_by, reason) values
    (md5('activation 1')::uuid, md5('incident boa vista')::uuid, md5('plan chuvas 1')::uuid, 'deslizamento', 'Deslizamento', 'alert', false,
        md5('alert em vigor')::uuid, '2026-02-14T10:00:00Z', 'elisa', 'nível de alerta na Boa Vista'),
    (md5('activation simulada')::uuid, md5('incident simulado')::uuid, md5('plan chuvas 1')::uuid, 'deslizamento', 'Deslizamento', 'alert', true,
        null, '2026-02-14T10:00:00Z', 'elisa', 'simulado');
insert into incident_task (id, activation_id, incident_id, drill, code, position, title, level, role, rota, checklist, depends_on, made_at, due_at,
    state, assignee, taken_at, closed_at, closed_by) values
    (md5('task 1')::uuid, md5('activation 1')::uuid, md5('incident boa vista')::uuid, false, 'reunir-plantao', 1, 'Reunir o plantão', 'attention',
        'operator', null, '{Chamar quem está de sobreaviso}', '{}', '2026-02-14T10:00:00Z', '2026-02-14T10:15:00Z', 'done', md5('staff caio')::uuid,
        '2026-02-14T10:02:00Z', '2026-02-14T10:12:00Z', 'caio'),
    (md5('task 2')::uuid, md5('activation 1')::uuid, md5('incident boa vista')::uuid, false, 'abrir-abrigos', 2, 'Abrir os abrigos', 'alert', null,
        'plantao', '{}', '{reunir-plantao}', '2026-02-14T10:00:00Z', '2026-02-14T10:45:00Z', 'todo', null, null, null, null);
insert into incident_task_act (task_id, at, actor, act) values
    (md5('task 1')::uuid, '2026-02-14T10:00:00Z', 'elisa', 'make'),
    (md5('task 1')::uuid, '2026-02-14T10:12:00Z', 'caio', 'done'),
    (md5('task 2')::uuid, '2026-02-14T10:00:00Z', 'elisa', 'make');
