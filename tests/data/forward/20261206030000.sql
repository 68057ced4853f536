-- An agreement with its money and a document, and a portfolio; their acts stood unchained then.
insert into instrument (id, module, kind, series, year, number, title, partner, partner_document, state, is_final, starts_on, ends_on,
    agreed_centavos, document, opened_at, opened_by, changed_at, revision) values
    (md5('instrument fomento')::uuid, 'agreements', 'fomento', 'agreements.fomento', 2026, 1, 'Oficinas de autoproteção em escolas',
        'Instituto Serra Segura', '11222333000181', 'execution', false, '2026-02-01', '2027-01-31', 12000000,
        '{"way": {"place": "", "ground": "Atividade de assistência", "law_ref": "Lei 13.019/2014, art. 30, I", "closes_on": null, "opened_on": null},
        "core": {"held": null, "plan": {"goals": [{"title": "Atender 300 pessoas", "indicator": "Pessoas atendidas"}], "stages": [{"title": "Execução", "ends_on": "2027-01-31", "starts_on": "2026-02-01"}], "schedule": [{"on": "2026-02-01", "centavos": 6000000}, {"on": "2026-08-01", "centavos": 6000000}]}, "term": {"ends_on": "2027-01-31", "starts_on": "2026-02-01"}, "agreed": 12000000,
        "object": "Oficinas de autoproteção em escolas", "manager": "Amália Sardinha", "parties": [{"name": "Instituto Serra Segura", "document": "11222333000181"}], "accounts": [], "opinions": [], "published": {"on": "2026-01-31", "place": "Diário Oficial do Município"}, "signed_on": "2026-01-30", "amendments": [], "commission": ["Caetano Brito", "Dalva Teles"], "monitoring": []},
        "cure": "", "kind": "fomento", "state": "execution", "outcome": null, "closed_on": null, "selection": "Experiência comprovada", "outcome_reason": ""}', '2026-01-10T12:00:00Z', 'ana', '2026-02-01T12:00:00Z', 2),
    (md5('instrument carteira')::uuid, 'strategic_projects', 'portfolio', 'strategic_projects.portfolio', 2026, 1, 'Cidade resiliente',
        'Secretaria de Planejamento', '', 'active', false, null, null, 0,
        '{"kind": "portfolio", "links": [], "owner": "Secretaria de Planejamento", "risks": [], "state": "active", "title": "Cidade resiliente", "budget": 0, "closed_on": null, "objective": "Menos gente em área de risco", "portfolio": null, "budget_key": "", "milestones": [], "closed_reason": ""}',
            '2026-01-10T12:00:00Z', 'ana', '2026-01-10T12:00:00Z', 1);
insert into number_series (series, year, last_number) values ('agreements.fomento', 2026, 1), ('strategic_projects.portfolio', 2026, 1);
insert into instrument_act (instrument_id, seq, at, actor, act, from_state, to_state, asked) values
    (md5('instrument fomento')::uuid, 1, '2026-01-10T12:00:00Z', 'ana', 'open', '', 'draft', '{"kind": "fomento"}'),
    (md5('instrument fomento')::uuid, 2, '2026-02-01T12:00:00Z', 'ana', 'start', 'draft', 'execution', '{"act": "start"}'),
    (md5('instrument carteira')::uuid, 1, '2026-01-10T12:00:00Z', 'ana', 'open', '', 'active', '{"kind": "portfolio"}');
insert into instrument_money (instrument_id, seq, movement, centavos, happened_on, what, reverses, at, actor) values
    (md5('instrument fomento')::uuid, 1, 'committed', 12000000, '2026-02-01', 'Empenho global', null, '2026-02-01T12:00:00Z', 'ana'),
    (md5('instrument fomento')::uuid, 2, 'released', 6000000, '2026-02-02', 'Primeira parcela', null, '2026-02-02T12:00:00Z', 'ana');
insert into instrument_document (id, instrument_id, kind, name, media_type, bytes, sha256, added_at, added_by) values
    (md5('instrument document 1')::uuid, md5('instrument fomento')::uuid, 'term', 'termo.pdf', 'application/pdf', '%PDF-1.4 termo',
        sha256('%PDF-1.4 termo'), '2026-01-30T12:00:00Z', 'ana');
insert into instrument_public (instrument_id, module, snapshot, published_at) values (md5('instrument fomento')::uuid, 'agreements',
    '{"kind": "fomento", "plan": {"goals": [], "stages": [], "schedule": []}, "state": "execution", "number": "2026/001", "object": "Oficinas de autoproteção em escolas", "ends_on": "2027-01-31", "manager": "Amália Sardinha", "outcome": null, "partner": "Instituto Serra Segura", "accounts": [],
    "selection": {"place": "", "ground": "Atividade de assistência", "law_ref": "Lei 13.019/2014, art. 30, I", "closes_on": null, "opened_on": null}, "signed_on": "2026-01-30", "starts_on": "2026-02-01", "amendments": [], "published_in": "Diário Oficial do Município", "published_on": "2026-01-31", "agreed_centavos": 12000000, "partner_document": "11.222.333/0001-81",
    "released_centavos": 6000000, "returned_centavos": 0, "accounted_centavos": 0, "counterpart_due_centavos": 0, "counterpart_paid_centavos": 0}', '2026-02-01T12:00:00Z');
insert into deadline (id, subject_kind, subject_id, title, link, code, law_ref, anchor_event, anchor_at, due_on, due_at, warn_days, confirmed, trace,
    state, set_at, set_by) values
    (md5('deadline instrument fomento')::uuid, 'instrument', md5('instrument fomento')::uuid, 'Oficinas de autoproteção em escolas',
        '/secretaria/painel/parcerias/' || md5('instrument fomento')::uuid, 'agreements.accounts', 'Lei 13.019/2014, art. 69', 'end',
        '2027-01-31T15:00:00Z', '2036-05-01', '2036-05-02T02:59:59Z', 15, false,
        '[{"day": "2027-01-31", "step": "anchor"}, {"day": "2036-05-01", "step": "due"}]', 'open', '2026-02-01T12:00:00Z', 'ana');
