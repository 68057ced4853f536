-- A holiday of the town, one that was taken back, a rule of its own, a deadline that was met and one that is open.
insert into holiday (id, day, name, kind, law_ref, added_at, added_by, removed_at, removed_by, removed_reason) values
    (md5('holiday 1')::uuid, '2026-06-13', 'Padroeiro', 'municipal', 'Lei 100/1990', '2026-02-16T08:00:00Z', 'ana', null, null, ''),
    (md5('holiday 2')::uuid, '2026-02-17', 'Carnaval', 'optional', '', '2026-02-16T08:00:00Z', 'ana', '2026-02-16T08:10:00Z', 'ana', 'já é nacional');
insert into deadline_rule (id, code, valid_from, document, reason, added_at, added_by) values (md5('deadline rule 1')::uuid, 'disaster.submission',
    '2026-01-01', '{"code": "disaster.submission", "note": "", "unit": "calendar", "pause": "interrupt", "lapses": false, "law_ref": "Portaria municipal 3/2026", "quantity": 12, "valid_to": null, "confirmed": true, "warn_days": 3,
    "extensions": {"max": 0, "quantity": 0, "needs_reason": true, "before_expiry": true}, "valid_from": "2026-01-01", "anchor_event": "occurred", "roll_to_business": true, "first_day_excluded": true}', 'Prazo do município', '2026-02-16T08:20:00Z', 'ana');
insert into deadline (id, subject_kind, subject_id, title, link, code, law_ref, anchor_event, anchor_at, due_on, due_at, warn_days, confirmed, trace,
    state, set_at, set_by, ended_at, ended_by) values
    (md5('deadline 1')::uuid, 'disaster', md5('disaster 1')::uuid, 'Envio do FIDE: Boa Vista', '/console/disasters/' || md5('disaster 1')::uuid,
        'disaster.submission', 'Portaria 260/2022', 'occurred', '2026-02-01T00:10:00Z', '2026-02-16', '2026-02-17T02:59:59Z', 3, true,
        '[{"day": "2026-01-31", "step": "anchor"}, {"day": "2026-02-16", "step": "due"}]', 'met', '2026-02-16T09:00:00Z', 'elisa',
        '2026-02-16T12:00:00Z', 'elisa'),
    (md5('deadline 2')::uuid, 'disaster', md5('disaster 1')::uuid, 'Plano de reconstrução', '/console/disasters/' || md5('disaster 1')::uuid,
        'disaster.reconstruction', 'Lei 12.340/2010', 'recognised', '2026-02-16T12:00:00Z', '2036-05-17', '2036-05-18T02:59:59Z', 10, false,
        '[{"day": "2026-02-16", "step": "anchor"}, {"day": "2036-05-17", "step": "due"}]', 'open', '2026-02-16T12:00:00Z', 'elisa', null, null);
insert into deadline_act (deadline_id, at, actor, act, due_before, due_after) values
    (md5('deadline 1')::uuid, '2026-02-16T09:00:00Z', 'elisa', 'set', null, '2026-02-16'),
    (md5('deadline 1')::uuid, '2026-02-16T12:00:00Z', 'elisa', 'meet', '2026-02-16', '2026-02-16'),
    (md5('deadline 2')::uuid, '2026-02-16T12:00:00Z', 'elisa', 'set', null, '2036-05-17');
