-- A recognition with its day, the next version with what was carried over, a document filled as it was adopted, and a rule that ended.
insert into disaster (id, incident_id, version, corrects, correction_reason, drill, cobrade, occurred_at, onset, opened_at, opened_by, changed_at,
    changed_by) values
    (md5('disaster 2')::uuid, md5('incident boa vista')::uuid, 2, md5('disaster 1')::uuid, 'Faltou a escola', false, '1.1.3.2.1',
        '2026-02-01T00:10:00Z', 'sudden', '2026-02-16T15:00:00Z', 'elisa', '2026-02-16T15:00:00Z', 'elisa');
insert into damage_declaration (id, disaster_id, department, person, document, lines, at, staff_id, actor, carried_from) values
    (md5('declaration 3')::uuid, md5('disaster 2')::uuid, 'health', 'Bia Lima', 'Ofício 8/2026',
        '[{"line": "injured", "amount": {"persons": 2}, "note": ""}]', '2026-02-16T09:40:00Z', md5('staff bia')::uuid, 'bia',
        md5('declaration 2')::uuid);
insert into damage_document (disaster_id, kind, paragraphs, filled, state, number, changed_at, changed_by, adopted_at, adopted_by) values
    (md5('disaster 2')::uuid, 'parecer', '[{"key": "facts", "title": "Dos fatos", "text": "Choveu 41 mm em {municipio}."}]',
        '[{"key": "facts", "title": "Dos fatos", "text": "Choveu 41 mm em Juiz de Fora."}]', 'adopted', '2026/002', '2026-02-16T15:10:00Z', 'elisa',
        '2026-02-16T15:20:00Z', 'davi');
update disaster set state = 'recognised', decided_at = '2026-02-16T16:00:00Z', decided_by = 'elisa', decision = 'Portaria 77/2026',
    recognised_on = '2026-02-16' where id = md5('disaster 1')::uuid;
insert into deadline_rule_end (rule_id, at, actor, reason) values (md5('deadline rule 1')::uuid, '2026-02-16T16:10:00Z', 'ana', 'revogada');
insert into deadline_act (deadline_id, at, actor, act, due_before, due_after, reason) values
    (md5('deadline 2')::uuid, '2026-02-16T16:20:00Z', 'elisa', 'pass', '2036-05-17', '2036-05-17', 'nova versão');
