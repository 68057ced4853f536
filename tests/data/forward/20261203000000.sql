-- Residents who subscribe by themselves, with what they want to hear and what help they need.
insert into resident (id, name, consent_at, consent_source, created_at, least_level, quiet_from, quiet_until, quiet_zone) values
    (md5('resident ivo')::uuid, 'Ivo Matos', '2026-02-13T08:00:00Z', 'página pública', '2026-02-13T08:00:00Z', 'attention', '22:00', '06:00',
        'America/Sao_Paulo');
insert into consent (resident_id, purpose, given, at, text_version, source) values
    (md5('resident ivo')::uuid, 'alerts', true, '2026-02-13T08:00:00Z', '2026-02', 'public page'),
    (md5('resident ivo')::uuid, 'needs', true, '2026-02-13T08:00:00Z', '2026-02', 'public page');
update resident set needs = '{mobility,elderly}' where id = md5('resident ivo')::uuid;
insert into resident_place (resident_id, label, geom, precision_m, cep, people) values
    (md5('resident ivo')::uuid, 'home', st_setsrid(st_makepoint(-43.352, -21.758), 4326), 140, '36000100', 3);
insert into resident_channel (resident_id, kind, address, verified_at) values
    (md5('resident ivo')::uuid, 'sms', '+5532900000006', '2026-02-13T08:02:00Z');
insert into resident_code (id, channel, address, sealed, created_at, expires_at) values
    (md5('code novo')::uuid, 'sms', '+5532900000007', '\x0102', '2026-02-13T08:10:00Z', '2026-02-13T08:20:00Z');
insert into resident_signup (code_id, sealed, created_at, expires_at) values
    (md5('code novo')::uuid, '\x0103', '2026-02-13T08:10:00Z', '2026-02-14T08:10:00Z');
insert into sms_order (at, sender, digest, what, result) values
    ('2026-02-13T08:30:00Z', decode(md5('telefone 7'), 'hex'), decode(md5('alerta 36000100'), 'hex'), 'subscribe', 'subscribed');
