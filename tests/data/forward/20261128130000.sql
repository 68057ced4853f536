-- A report with the sum of the address it came from, and an occurrence confirmed since that is kept.
insert into occurrence (id, number, kind, state, opened_at, first_at, last_at, decided_at, decided_by, confirmed_at, trust, pressing) values
    (md5('occurrence fio')::uuid, '2026/006', 'wire_down', 'confirmed', '2026-02-10T15:00:00Z', '2026-02-10T15:00:00Z', '2026-02-10T15:00:00Z',
        '2026-02-10T15:10:00Z', 'caio', '2026-02-10T15:05:00Z', 0.5, 0.5);
insert into report (id, protocol, idempotency_key, source, kind, words, place, place_from, observed_at, received_at, language, reporter, standing,
    origin) values
    (md5('report 2026/006')::uuid, 'R-2026-006', 'chave-2026-006', 'sms', 'wire_down', 'Fio no chão', 'Rua do Sol', 'unknown',
        '2026-02-10T15:00:00Z', '2026-02-10T15:00:00Z', 'pt-BR', decode(md5('reporter 6'), 'hex'), 'contact', decode(md5('origin 6'), 'hex'));
insert into report_standing (report_id, occurrence_id, because, trust, reasons, weight) values
    (md5('report 2026/006')::uuid, md5('occurrence fio')::uuid, '{"why": "place_unknown"}', 0.5, '[]', 0.5);
update number_series set last_number = 6 where series in ('occurrence', 'report');
