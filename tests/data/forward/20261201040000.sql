-- A warning that a person brought, one that waits to be looked at, a draft of ours made from the first, and the later word on it.
insert into outside_warning (source, identifier, sent_at, content_sha256, series, revision, sender, sender_name, status, msg_type, scope, urgency,
    severity, certainty, level, colour, event, headline,
    description, instruction, web, area_texts, geocodes, reference_keys, raw, for_us_by, received_at, way, way_name, brought_by, signature,
        signature_why) values
    ('cemaden', 'cemaden-0123', '2026-02-12T11:00:00Z', sha256('<alert id="0123"/>'), 'cemaden-0123', 1, 'alerta@cemaden.invalid', 'CEMADEN',
        'Actual', 'Alert', 'Public', 'Expected', 'Severe', 'Likely', 'Alto', '', 'Movimento de massa',
        'Risco alto de movimento de massa', '', '', '', '{Município}', '{3136702}', '{}', '<alert id="0123"/>', '{geocode}', '2026-02-12T11:05:00Z',
            'file', 'cemaden-0123.xml', 'elisa', 'unknown', 'no certificate of this source is trusted');
insert into outside_warning_area (warning_id, area_id, share, by_geocode) select w.id, a.id, 1, true from outside_warning w, risk_area a
    where w.source = 'cemaden';
insert into warning_import (id, created_at, author, way, name, source, body) values
    (md5('warning import')::uuid, '2026-02-12T11:10:00Z', 'elisa', 'text', 'texto colado', 'cemaden', '<alert id="0124"/>');
update alert set attribution = 'Com base no aviso do CEMADEN nº 0123/2026, de 12/02/2026.', based_on_warning_id = (select id from outside_warning
    where source = 'cemaden') where id = md5('alert rascunho de caio')::uuid;
insert into warning_notice (alert_id, warning_id, kind, at) select md5('alert rascunho de caio')::uuid, id, 'updated', '2026-02-12T11:20:00Z'
    from outside_warning where revision = 2;
