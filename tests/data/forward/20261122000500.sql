-- Alerts of the first release: one that left and is still in force, drafts of a rule and of people, one that was discarded, one exercised.
insert into number_series (series, year, last_number) values ('alert', 2026, 2);
insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text, severity, urgency, certainty, expires_at,
    rule_id, rule_version,
    created_at, created_by, revision, edited, approved_at, approved_by, issued_at, number, cap_identifier, cap_sender, cap_sent, cap_xml)
select md5('alert ' || a.key)::uuid, a.state, 'alert', a.status, '1.1.3.2.1', 'alert', 'Risco de deslizamento na Encosta da Boa Vista',
    'Choveu 41 mm em uma hora. A encosta pode descer.',
    'Saia de casa e vá para o ponto de apoio.', 'DEFESA CIVIL: risco de deslizamento na Boa Vista. Saia de casa. 199', 'Severe', 'Immediate',
        'Likely', '2026-02-01T12:15:00Z',
    a.rule, case when a.rule is not null then 1 end, '2026-02-01T00:12:31Z', a.by, a.revision, a.edited, a.issued_at,
        case when a.issued_at is not null then 'davi' end, a.issued_at,
    a.number, 'sentinela-' || a.key, case when a.issued_at is not null then 'defesacivil@exemplo.invalid' end,
        case when a.issued_at is not null then '2026-01-31T21:20:00-03:00' end,
    case when a.issued_at is not null then '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>sentinela-' || a.key || '</identifier><sender>defesacivil@exemplo.invalid</sender>'
        || '<sent>2026-01-31T21:20:00-03:00</sent><status>' || initcap(a.status) || '</status><msgType>Alert</msgType><scope>Public</scope><info><language>pt-BR</language><category>Geo</category>'
        || '<event>Deslizamento</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty><area><areaDesc>Encosta da Boa Vista</areaDesc></area></info></alert>' end
from (values ('em vigor', 'issued', 'actual', 'chuva-encosta', 'rule', 2, true, timestamptz '2026-02-01T00:20:00Z', '2026/001'),
    ('simulado', 'expired', 'exercise', null, 'elisa', 1, false, '2026-01-20T13:00:00Z', '2026/002'),
    ('rascunho da regra', 'draft', 'actual', 'chuva-encosta', 'rule', 1, false, null, null),
    ('rascunho editado', 'draft', 'actual', 'chuva-encosta', 'rule', 3, true, null, null),
    ('rascunho de caio', 'draft', 'actual', null, 'caio', 1, false, null, null),
    ('descartado', 'discarded', 'actual', 'chuva-encosta', 'rule', 2, true, null, null))
    a (key, state, status, rule, by, revision, edited, issued_at, number);
insert into alert_area (alert_id, area_id, name, geom) select a.id, r.id, r.name, r.geom from alert a, risk_area r where r.code = 'encosta-boa-vista';
insert into alert_event (alert_id, at, actor, action, detail) values
    (md5('alert em vigor')::uuid, '2026-02-01T00:12:31Z', 'rule', 'drafted',
        '{"kind": "alert", "rule": ["chuva-encosta", 1], "areas": ["Encosta da Boa Vista"], "level": "alert"}'),
    (md5('alert em vigor')::uuid, '2026-02-01T00:15:00Z', 'caio', 'edited', '{"fields": ["instruction"]}'),
    (md5('alert em vigor')::uuid, '2026-02-01T00:20:00Z', 'davi', 'issued', '{"number": "2026/001"}'),
    (md5('alert rascunho editado')::uuid, '2026-02-01T00:14:00Z', 'caio', 'edited', '{"fields": ["headline"]}'),
    (md5('alert rascunho editado')::uuid, '2026-02-01T00:16:00Z', 'elisa', 'edited', '{"fields": ["instruction"]}'),
    (md5('alert descartado')::uuid, '2026-02-01T00:18:00Z', 'davi', 'discarded', '{"reason": "já coberto por outro"}');
update alert set ended_at = '2026-01-20T15:00:00Z' where id = md5('alert simulado')::uuid;
