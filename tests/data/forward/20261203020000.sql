-- A webhook that was told of an alert, with its key and its tries, and a chat that was switched off.
insert into endpoint (id, kind, name, configuration, place, reach_m, least_level, statuses, enabled, disabled_why, created_at, created_by,
    changed_at) values
    (md5('endpoint cidade')::uuid, 'webhook', 'Painel da cidade', '{"url": "https://painel.exemplo.invalid/entrada", "events": []}', null, null,
        'observation', '{actual,exercise}', true, '', '2026-02-13T12:00:00Z', 'ana', '2026-02-13T12:00:00Z'),
    (md5('endpoint radio')::uuid, 'webhook', 'Rádio comunitária', '{"url": "https://radio.exemplo.invalid/entrada", "events": []}',
        st_setsrid(st_makepoint(-43.355, -21.755), 4326), 2000, 'alert', '{actual}', false, 'failing', '2026-02-13T12:00:00Z', 'ana',
        '2026-02-13T12:30:00Z'),
    (md5('endpoint sirene')::uuid, 'siren', 'Sirene da Boa Vista',
        '{"device": "dl-boa-vista", "pattern": "wail", "duration_s": 60, "automatic": false, "plancon": ""}',
        st_setsrid(st_makepoint(-43.355, -21.755), 4326), 1500, 'maximum', '{actual,exercise}', true, '', '2026-02-13T12:00:00Z', 'ana',
        '2026-02-13T12:00:00Z');
insert into endpoint_secret (id, endpoint_id, sealed, made_at) values
    (md5('secret cidade')::uuid, md5('endpoint cidade')::uuid, '\x0104', '2026-02-13T12:00:00Z');
insert into outbox (alert_id, endpoint_id, channel, address, basis, priority, state, attempts, next_attempt_at, expires_at, provider, accepted_at,
    final_at, created_at) values
    (md5('alert em vigor')::uuid, md5('endpoint cidade')::uuid, 'webhook', 'Painel da cidade', 'everywhere', 14, 'delivered', 1,
        '2026-02-13T12:05:00Z', '2026-02-13T13:05:00Z', 'webhook', '2026-02-13T12:05:01Z', '2026-02-13T12:05:01Z', '2026-02-13T12:05:00Z');
insert into endpoint_attempt (endpoint_id, outbox_id, cause, message_id, at, took_ms, outcome, code, answer)
    select endpoint_id, id, 'delivery', 'msg_1', '2026-02-13T12:05:01Z', 84, 'delivered', 200, 'ok' from outbox where endpoint_id is not null;
