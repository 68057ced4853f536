-- An exercise that is over and reported on, one that comes, who takes part, and its alert with what left.
insert into exercise (id, code, title, scenario, cobrade, objectives, place, public_text, responsible, starts_at, ends_at, announce_days,
    announce_hours, state, changed_at, created_at, created_by, announced_at, started_at, started_by, finished_at, finished_by, reported_at,
    reported_by, problems) values
    (md5('exercise fevereiro')::uuid, 'simula26', 'Simulado da Boa Vista', 'A encosta desce às 10 h.', '1.1.3.2.1', 'Retirar 40 famílias em 30 min.',
        'Escola da Boa Vista', 'Haverá um simulado.', 'Elisa Maia', '2026-02-12T13:00:00Z', '2026-02-12T16:00:00Z', 7, 2,
        'reported', '2026-02-12T18:00:00Z', '2026-02-05T12:00:00Z', 'elisa', '2026-02-05T12:10:00Z', '2026-02-12T13:00:00Z', 'elisa',
            '2026-02-12T16:00:00Z', 'elisa', '2026-02-12T18:00:00Z', 'elisa', 'A sirene não foi ouvida no alto.'),
    (md5('exercise futuro')::uuid, 'marco036', 'Simulado da várzea', '', '1.2.1.0.0', '', '', '', 'Elisa Maia', '2036-03-10T13:00:00Z',
        '2036-03-10T16:00:00Z', 7, 2, 'planned', '2026-02-12T18:30:00Z', '2026-02-12T18:30:00Z', 'elisa', null, null, null, null, null, null, null,
        '');
insert into exercise_area (exercise_id, area_id) select md5('exercise fevereiro')::uuid, id from risk_area where code = 'encosta-boa-vista';
insert into exercise_participant (exercise_id, kind, staff_id, resident_id, name, contact, email, joined_at, joined_by, acknowledged_at,
    acknowledged_by) values
    (md5('exercise fevereiro')::uuid, 'staff', md5('staff caio')::uuid, null, '', '', '', '2026-02-06T12:00:00Z', 'elisa', null, null),
    (md5('exercise fevereiro')::uuid, 'resident', null, md5('resident rita')::uuid, '', '', '', '2026-02-07T12:00:00Z', 'resident',
        '2026-02-12T13:09:00Z', 'resident'),
    (md5('exercise fevereiro')::uuid, 'institution', null, null, 'Escola da Boa Vista', 'Diretora Lúcia', 'escola@exemplo.invalid',
        '2026-02-06T12:00:00Z', 'elisa', null, null);
insert into exercise_inject (exercise_id, at_min, text, done_at, done_by) values
    (md5('exercise fevereiro')::uuid, 20, 'A ponte está fechada.', '2026-02-12T13:21:00Z', 'elisa');
insert into exercise_action (exercise_id, what, owner, due_on) values
    (md5('exercise fevereiro')::uuid, 'Mudar a sirene para o alto', 'Caio Souza', '2026-04-30');
insert into exercise_request (code_id, exercise_id, act, name) values (md5('code rita')::uuid, md5('exercise fevereiro')::uuid, 'join', 'Rita');
insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text, severity, urgency, certainty, expires_at,
    created_at, created_by, exercise_id) values
    (md5('alert do exercicio')::uuid, 'draft', 'alert', 'exercise', '1.1.3.2.1', 'alert', 'EXERCÍCIO: saia de casa', 'Simulado.', 'Vá à escola.',
        'EXERCICIO DEFESA CIVIL: vá à escola.', 'Severe', 'Immediate', 'Likely', '2026-02-12T16:00:00Z', '2026-02-12T13:00:00Z', 'elisa',
        md5('exercise fevereiro')::uuid);
insert into alert_area (alert_id, area_id, name, geom) select md5('alert do exercicio')::uuid, id, name, geom from risk_area
    where code = 'encosta-boa-vista';
update alert set state = 'expired', number = '2026/003', cap_identifier = 'sentinela-do exercicio', cap_sender = 'defesacivil@exemplo.invalid',
    cap_sent = '2026-02-12T10:05:00-03:00', approved_at = '2026-02-12T13:05:00Z', approved_by = 'davi', issued_at = '2026-02-12T13:05:00Z',
    cap_xml = '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>sentinela-do exercicio</identifier><status>Exercise</status></alert>',
        ended_at = '2026-02-12T16:00:00Z'
    where id = md5('alert do exercicio')::uuid;
update number_series set last_number = 3 where series = 'alert';
insert into notice (id, channel, address, purpose, subject, body, state, attempts, next_attempt_at, expires_at, provider, fence, created_at,
    final_at) values
    (md5('notice copia')::uuid, 'email', 'escola@exemplo.invalid', 'alert_copy', '', '', 'delivered', 1, '2026-02-12T13:05:00Z',
        '2026-02-12T16:00:00Z', 'sink:email', 1, '2026-02-12T13:05:00Z', '2026-02-12T13:05:03Z');
insert into alert_copy (alert_id, participant_id, channel, notice_id, state, created_at, final_at)
select md5('alert do exercicio')::uuid, id, 'email', md5('notice copia')::uuid, 'delivered', '2026-02-12T13:05:00Z', '2026-02-12T13:05:03Z'
    from exercise_participant where kind = 'institution';
insert into outbox (alert_id, resident_id, channel, address, basis, priority, state, attempts, next_attempt_at, expires_at, provider,
    provider_message_id, accepted_at, final_at, created_at) values
    (md5('alert do exercicio')::uuid, md5('resident rita')::uuid, 'email', 'rita@exemplo.invalid', 'joined', 14, 'delivered', 1,
        '2026-02-12T13:05:00Z', '2026-02-12T16:00:00Z', 'sink:email', 'sink-1', '2026-02-12T13:05:01Z', '2026-02-12T13:05:01Z',
        '2026-02-12T13:05:00Z');
insert into dispatch_run (alert_id, enqueued_at, spread_at, recipients, suppressed, unreachable) values
    (md5('alert do exercicio')::uuid, '2026-02-12T13:05:00Z', '2026-02-12T13:05:00Z', 1, 0, 0);
insert into handover (alert_id, channel, text, given_to, given_at, protocol, recorded_at, recorded_by) values
    (md5('alert em vigor')::uuid, 'idap', 'Risco de deslizamento na Boa Vista.', 'Plantão do CENAD', '2026-02-01T00:25:00Z', 'IDAP-881',
        '2026-02-12T14:00:00Z', 'elisa');
insert into handover_tick (alert_id, step, done, at, by) values (md5('alert em vigor')::uuid, 'text_copied', true, '2026-02-12T14:00:00Z', 'elisa');
