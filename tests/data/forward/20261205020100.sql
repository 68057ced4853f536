-- The dossier of a disaster that was submitted, with what departments declared, its figures and documents, and the version that corrects it.
update staff set roles = '{department}' where username = 'bia';
insert into disaster (id, incident_id, version, drill, cobrade, occurred_at, onset, sections, opened_at, opened_by, changed_at, changed_by) values
    (md5('disaster 1')::uuid, md5('incident boa vista')::uuid, 1, false, '1.1.3.2.1', '2026-02-01T00:10:00Z', 'sudden',
        '{"population": 60000, "causes": "Chuva de 41 mm em uma hora."}', '2026-02-16T09:00:00Z', 'elisa', '2026-02-16T11:00:00Z', 'elisa');
insert into damage_declaration (id, disaster_id, department, person, registry, document, lines, at, staff_id, actor) values
    (md5('declaration 1')::uuid, md5('disaster 1')::uuid, 'works', 'Bia Lima', '4411', 'Relatório técnico 12/2026',
        '[{"line": "infrastructure", "amount": {"damaged": 2, "destroyed": 0, "centavos": 25000000}, "note": "muros"}]', '2026-02-16T09:30:00Z',
        md5('staff bia')::uuid, 'bia'),
    (md5('declaration 2')::uuid, md5('disaster 1')::uuid, 'health', 'Bia Lima', '', 'Ofício 8/2026',
        '[{"line": "injured", "amount": {"persons": 2}, "note": ""}]', '2026-02-16T09:40:00Z', md5('staff bia')::uuid, 'bia');
update damage_declaration set state = 'adopted', answered_at = '2026-02-16T10:00:00Z', answered_by = 'elisa' where id = md5('declaration 1')::uuid;
insert into damage_attachment (id, declaration_id, name, media_type, sha256, content) values
    (md5('damage attachment 1')::uuid, md5('declaration 1')::uuid, 'relatorio.pdf', 'application/pdf', sha256('%PDF-1.4'), '%PDF-1.4');
insert into damage_entry (id, disaster_id, line, part, source, persons, damaged, destroyed, centavos, inspection_id, counted_at, declaration_id,
    because, at, actor) values
    (md5('entry 1')::uuid, md5('disaster 1')::uuid, 'housing', 'material', 'inspection', null, 0, 1, null, md5('inspection 2')::uuid, null, null, '',
        '2026-02-16T10:00:00Z', 'elisa'),
    (md5('entry 2')::uuid, md5('disaster 1')::uuid, 'homeless', 'human', 'shelters', 2, null, null, null, null, '2026-02-16T10:00:00Z', null, '',
        '2026-02-16T10:00:00Z', 'elisa'),
    (md5('entry 3')::uuid, md5('disaster 1')::uuid, 'infrastructure', 'material', 'declaration', null, 2, 0, 25000000, null, null,
        md5('declaration 1')::uuid, '', '2026-02-16T10:00:00Z', 'elisa'),
    (md5('entry 4')::uuid, md5('disaster 1')::uuid, 'injured', 'human', 'manual', 3, null, null, null, null, null, null, 'Contagem do hospital',
        '2026-02-16T10:00:00Z', 'elisa');
insert into damage_entry_end (entry_id, disaster_id, at, actor, reason) values
    (md5('entry 4')::uuid, md5('disaster 1')::uuid, '2026-02-16T10:10:00Z', 'elisa', 'contados duas vezes');
insert into damage_document (disaster_id, kind, paragraphs, state, number, changed_at, changed_by, adopted_at, adopted_by) values
    (md5('disaster 1')::uuid, 'parecer', '[{"key": "facts", "title": "Dos fatos", "text": "Choveu 41 mm em {municipio}."}]', 'adopted', '2026/001',
        '2026-02-16T10:20:00Z', 'elisa', '2026-02-16T10:30:00Z', 'davi');
insert into damage_photograph (disaster_id, attachment_id, position, caption, chosen_at, chosen_by) values
    (md5('disaster 1')::uuid, md5('photo 4')::uuid, 0, 'Cozinha', '2026-02-16T10:40:00Z', 'elisa');
update disaster set state = 'submitted', level = 'ii', declared = 'se', level_at = '2026-02-16T11:00:00Z', level_by = 'elisa',
    submitted_at = '2026-02-16T12:00:00Z', submitted_by = 'elisa', frozen = '{}', pdf = '%PDF-1.4', pdf_sha256 = sha256('%PDF-1.4')
    where id = md5('disaster 1')::uuid;
