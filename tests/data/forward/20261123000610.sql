-- Consents from now on have a history of their own: Pedro takes his back, a newcomer gives hers on her own page.
insert into resident (id, name, consent_at, consent_source, created_at) values
    (md5('resident rita')::uuid, 'Rita Alves', '2026-02-01T13:00:00Z', 'página própria', '2026-02-01T13:00:00Z');
insert into consent (resident_id, purpose, given, at, text_version, source) values
    (md5('resident rita')::uuid, 'alerts', true, '2026-02-01T13:00:00Z', '2026-01', 'own page'),
    (md5('resident joana')::uuid, 'needs', true, '2026-02-01T13:05:00Z', '2026-01', 'own page'),
    (md5('resident pedro')::uuid, 'alerts', false, '2026-02-01T13:10:00Z', '2026-01', 'own page');
insert into resident_place (resident_id, label, geom, precision_m, address_text) values
    (md5('resident rita')::uuid, 'home', st_setsrid(st_makepoint(-43.352, -21.758), 4326), 10, 'Rua das Palmeiras, 120, 36000-100');
insert into resident_channel (resident_id, kind, address, verified_at) values
    (md5('resident rita')::uuid, 'email', 'rita@exemplo.invalid', '2026-02-01T13:02:00Z');
insert into resident_erasure (resident_id, external_ref_sha256, at) values
    (md5('resident apagado')::uuid, sha256('SUAS-0003'), '2026-01-05T10:00:00Z');
insert into resident_code (id, channel, address, resident_id, confirms, sealed, tries, asked_from, created_at, expires_at, used_at) values
    (md5('code rita')::uuid, 'email', 'rita@exemplo.invalid', md5('resident rita')::uuid, true, '\x0101', 1, '192.0.2.20', '2026-02-01T13:01:00Z',
        '2026-02-01T13:11:00Z', '2026-02-01T13:02:00Z');
insert into resident_session (token_sha256, resident_id, channel, address, csrf_token, created_at, expires_at) values
    (sha256('sessao de rita'), md5('resident rita')::uuid, 'email', 'rita@exemplo.invalid', 'csrf-rita', '2026-02-01T13:02:00Z',
        '2026-02-01T14:02:00Z');
insert into privacy_request (id, receipt, kind, resident_id, at, done_at, detail) values
    (md5('privacy 1')::uuid, '2026/001', 'withdrawal', md5('resident pedro')::uuid, '2026-02-01T13:10:00Z', '2026-02-01T13:10:00Z',
        '{"purpose": "alerts"}');
insert into number_series (series, year, last_number) values ('privacy', 2026, 1);
insert into retention_run (id, rule, started_at, finished_at, before, rows) values
    (md5('retention 1')::uuid, 'sink_messages', '2026-02-01T04:00:00Z', '2026-02-01T04:00:01Z', '2026-01-02T04:00:00Z', 12);
