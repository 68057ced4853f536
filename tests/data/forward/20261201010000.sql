-- A draft that a person submitted, the wait for an answer, and who was paged.
update staff set phone = '+5532900000010' where username = 'davi';
insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text, severity, urgency, certainty, expires_at,
    created_at, created_by, edited, written_by, submitted_at, submitted_by) values
    (md5('alert submetido')::uuid, 'submitted', 'alert', 'actual', '1.2.1.0.0', 'attention', 'O rio sobe', 'O Rio das Pedras passou de 2,5 m.',
        'Afaste-se da margem.', 'DEFESA CIVIL: o rio sobe. 199', 'Moderate', 'Expected', 'Likely',
        '2026-02-13T12:00:00Z', '2026-02-12T08:00:00Z', 'caio', true, md5('staff caio')::uuid, '2026-02-12T08:05:00Z', 'caio');
insert into alert_area (alert_id, area_id, name, geom) select md5('alert submetido')::uuid, id, name, geom from risk_area
    where code = 'varzea-rio-das-pedras';
insert into alert_escalation (id, alert_id, cause, since_at, opened_at, plan, deadline_at, acknowledged_at, acknowledged_by, acknowledged_how) values
    (md5('escalation 1')::uuid, md5('alert submetido')::uuid, 'submitted', '2026-02-12T08:05:00Z', '2026-02-12T08:05:01Z',
        '[{"roles": ["approver"], "rotas": [], "levels": [], "channels": ["sms"], "after_min": 5, "usernames": []}]',
        '2026-02-12T08:35:00Z', '2026-02-12T08:12:00Z', md5('staff davi')::uuid, 'link');
insert into alert_escalation_step (escalation_id, position, due_at, done_at, outcome) values
    (md5('escalation 1')::uuid, 1, '2026-02-12T08:10:00Z', '2026-02-12T08:10:00Z', 'paged');
insert into notice (id, channel, address, purpose, subject, body, state, attempts, next_attempt_at, expires_at, provider, fence, created_at,
    final_at) values
    (md5('notice pagina')::uuid, 'sms', '+5532900000010', 'alert_page', '', '', 'accepted', 1, '2026-02-12T08:10:00Z', '2026-02-12T08:40:00Z',
        'smpp:operadora', 1, '2026-02-12T08:10:00Z', '2026-02-12T08:10:02Z');
insert into alert_page (id, escalation_id, position, staff_id, channel, at, notice_id, state, state_at) values
    (md5('page 1')::uuid, md5('escalation 1')::uuid, 1, md5('staff davi')::uuid, 'sms', '2026-02-12T08:10:00Z', md5('notice pagina')::uuid,
        'accepted', '2026-02-12T08:10:02Z'),
    (md5('page 2')::uuid, md5('escalation 1')::uuid, 1, md5('staff elisa')::uuid, 'sms', '2026-02-12T08:10:00Z', null, 'no_address',
        '2026-02-12T08:10:00Z');
