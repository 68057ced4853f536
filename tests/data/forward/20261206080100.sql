-- What the press said, taken to the desk.
insert into report (id, protocol, idempotency_key, source, kind, words, place, place_from, observed_at, received_at, language, reporter, standing,
    staff) values
    (md5('report 2026/008')::uuid, 'R-2026-008', 'chave-2026-008', 'desk', 'flooding', 'A rádio fala de rua cheia', 'Várzea', 'unknown',
        '2026-02-01T12:10:00Z', '2026-02-01T12:10:00Z', 'pt-BR', decode(md5('ana'), 'hex'), 'staff', 'ana');
insert into report_standing (report_id, occurrence_id, because, trust, reasons, weight) values
    (md5('report 2026/008')::uuid, md5('occurrence rua cheia')::uuid, '{"why": "by_hand", "who": "ana"}', 0.1, '[]', 0);
insert into report_cause (report_id, kind, detail) values
    (md5('report 2026/008')::uuid, 'media', '{"title": "Rua cheia", "source": "Rádio do Vale"}');
update number_series set last_number = 8 where series = 'report';
