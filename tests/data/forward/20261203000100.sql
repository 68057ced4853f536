-- A school near the slope, told of an alert: its first contact did not answer, the second did.
insert into institution (id, external_ref, name, kind, geom, precision_m, address_text, people, created_at, changed_at) values
    (md5('institution escola')::uuid, 'INEP-31000001', 'Escola Municipal da Boa Vista', 'school', st_setsrid(st_makepoint(-43.353, -21.757), 4326),
        20, 'Rua das Palmeiras, 200', 340, '2026-02-13T09:00:00Z', '2026-02-13T09:00:00Z');
insert into institution_contact (institution_id, position, name, phone, email) values
    (md5('institution escola')::uuid, 1, 'Lúcia Dias', '+5532900000020', null),
    (md5('institution escola')::uuid, 2, 'Secretaria', null, 'escola@exemplo.invalid');
insert into institution_warning (id, alert_id, institution_id, opened_at, position, next_at, acknowledged_at, acknowledged_by, ended_at,
    ended_as) values
    (md5('institution warning 1')::uuid, md5('alert em vigor')::uuid, md5('institution escola')::uuid, '2026-02-13T09:05:00Z', 2,
        '2026-02-13T09:25:00Z', '2026-02-13T09:18:00Z', 'Secretaria', '2026-02-13T09:18:00Z', 'acknowledged');
insert into notice (id, channel, address, purpose, subject, body, state, attempts, next_attempt_at, expires_at, provider, fence, created_at,
    final_at) values
    (md5('notice escola')::uuid, 'sms', '+5532900000020', 'institution', '', '', 'accepted', 1, '2026-02-13T09:05:00Z', '2026-02-13T10:05:00Z',
        'smpp:operadora', 1, '2026-02-13T09:05:00Z', '2026-02-13T09:05:02Z');
insert into institution_message (id, warning_id, position, contact, channel, at, notice_id, state) values
    (md5('institution message 1')::uuid, md5('institution warning 1')::uuid, 1, 'Lúcia Dias', 'sms', '2026-02-13T09:05:00Z',
        md5('notice escola')::uuid, 'accepted');
