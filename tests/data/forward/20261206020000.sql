-- The budget of a year, from its classifications to what was paid of one line, and what the public reads.
insert into classified_node (scheme, code, name, valid_from, import_id, added_at, added_by) values
    ('budget.unit', '02', 'Prefeitura', '2020-01-01', md5('nodes')::uuid, '2026-01-06T12:00:00Z', 'ana'),
    ('budget.unit', '02.01', 'Secretaria de Governo', '2020-01-01', md5('nodes')::uuid, '2026-01-06T12:00:00Z', 'ana');
insert into budget_bill (id, kind, year_from, year_to, state, life, content, revision, created_at, created_by, changed_at) values
    (md5('bill loa')::uuid, 'loa', 2026, 2026, 'collecting', '{"state": "collecting"}', '{"kind": "loa", "note": "", "credit_limit": 1000}', 1,
        '2026-01-06T12:10:00Z', 'ana', '2026-01-06T12:10:00Z');
insert into budget_act (bill_id, at, actor, act, detail) values
    (md5('bill loa')::uuid, '2026-01-06T12:10:00Z', 'ana', 'open', '{"kind": "loa", "year_to": 2026, "year_from": 2026}');
insert into budget_proposal (bill_id, unit, ceiling, state, changed_at, changed_by) values
    (md5('bill loa')::uuid, '02.01', 4150000000, 'sent', '2026-01-06T12:20:00Z', 'ana');
insert into budget_line (bill_id, key, unit, sphere, amount) values
    (md5('bill loa')::uuid, '02.01.04.122.0001.2001.3.1.90.11.1500', '02.01', 'fiscal', 3000000000);
insert into budget_revenue (bill_id, nature, source, sphere, amount, words) values
    (md5('bill loa')::uuid, '1.1.1.2.50', '1500', 'fiscal', 3000000000, 'IPTU');
update budget_bill set state = 'enacted', revision = 5, changed_at = '2026-01-07T12:00:00Z',
    life = '{"law": {"on": "2025-12-18", "number": "Lei 103"}, "state": "enacted", "hearing": {"on": "2025-08-12", "place": "Câmara Municipal", "minutes": "Ata 102/2025"}, "submission": {"on": "2025-08-30", "number": "PL 103/2025"}}'
    where kind = 'loa';
insert into budget_change (id, bill_id, number, kind, document, amount, added_at, added_by) values
    (md5('credit 1')::uuid, md5('bill loa')::uuid, '2026/001', 'supplementary',
        '{"kind": "supplementary", "origin": "surplus", "on": "2026-02-03", "act": "Decreto 12/2026", "law": "", "reason": "Chuvas de fevereiro", "expense": [{"key": "02.01.04.122.0001.2001.3.1.90.11.1500", "amount": 50000000}], "revenue": []}',
        50000000, '2026-02-03T12:00:00Z', 'ana');
insert into budget_decision (change_id, taken, reason, at, by) values
    (md5('credit 1')::uuid, true, 'Decreto publicado', '2026-02-03T12:10:00Z', 'ana');
insert into budget_import (id, bill_id, sha256, mapping, good, known, bad, bad_count, at, by) values
    (md5('budget import 1')::uuid, md5('bill loa')::uuid, sha256('planilha'), '{}', 1, 0, '[]', 0, '2026-02-10T12:00:00Z', 'ana');
insert into budget_execution (bill_id, key, day, document, committed, annulled, settled, paid, import_id) values
    (md5('bill loa')::uuid, '02.01.04.122.0001.2001.3.1.90.11.1500', '2026-02-05', 'NE-0001', 10000000, 0, 8000000, 8000000,
        md5('budget import 1')::uuid);
insert into budget_executed (bill_id, key, committed, annulled, settled, paid) select bill_id, key, committed, annulled, settled, paid
    from budget_execution;
insert into budget_date_rule (id, document, reason, added_at, added_by) values
    (md5('date rule 1')::uuid, '{"code": "loa.submit", "law_ref": "Lei Orgânica, art. 120", "confirmed": true, "valid_from": "2026-01-01", "month": 8, "day": 31, "years_before": 1}',
        'Lei Orgânica do município', '2026-01-06T12:00:00Z', 'ana');
insert into budget_publication (bill_id, kind, year_from, year_to, at, snapshot) values (md5('bill loa')::uuid, 'loa', 2026, 2026,
    '2026-01-07T12:00:00Z', '{"law": {"on": "2025-12-18", "number": "Lei 103"}, "ldo": null, "ppa": null, "kind": "loa", "note": "", "names": {}, "state": "enacted", "changes": [], "expense": [], "hearing": null, "revenue": [],
    "year_to": 2026, "year_from": 2026, "submission": null, "credit_limit": 1000, "revenue_names": {}}');
