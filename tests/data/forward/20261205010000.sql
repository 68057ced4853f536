-- A house that was inspected, the correction of it, a photograph, and the term that forbids its use.
insert into inspection (id, number, device_key, supersedes, correction_reason, occurrence_id, incident_id, observed_at, received_at, inspector_id,
    inspector, registry, geom, accuracy_m, street, house_number, neighbourhood, building, ownership, damage, residents, displaced, homeless, risk,
    form, answers, suggested_risk, suggested_reasons, opinion)
select md5('inspection ' || i.n)::uuid, '2026/00' || i.n, md5('tel inspection ' || i.n)::uuid, case i.n when 2 then md5('inspection 1')::uuid end,
    i.why, md5('occurrence casa')::uuid, null, '2026-02-15T18:00:00Z', i.at, md5('staff caio')::uuid, 'caio', '',
    st_setsrid(st_makepoint(-43.3555, -21.7555), 4326), 8,
    'Rua das Palmeiras', '98', 'Boa Vista', 'housing', 'private', i.damage, 5, 3, 2, 'R4', '2026-1', '{"slope": "cliff", "ground_cracks": "many"}',
        'R4', '["ground_cracks=many"]', 'Retirar os moradores.'
from (values (1, '', timestamptz '2026-02-15T18:10:00Z', 'damaged'), (2, 'a cozinha caiu', '2026-02-15T19:00:00Z', 'destroyed')) i (n, why, at,
    damage);
insert into inspection_photograph (id, inspection_id, device_key, position, caption, taken_at, bearing_deg) values
    (md5('inspection photo 1')::uuid, md5('inspection 2')::uuid, md5('tel photo 1')::uuid, 0, 'Cozinha', '2026-02-15T18:05:00Z', 210);
insert into attachment (id, kind, inspection_photograph_id, media_type, sha256, bytes, width, height, caption, content, thumbnail, uploaded_by,
    created_at) values
    (md5('photo 4')::uuid, 'photograph', md5('inspection photo 1')::uuid, 'image/jpeg', sha256('\xffd8ffdc'), 4, 1, 1, 'Cozinha', '\xffd8ffdc',
        '\xffd8ffdc', 'caio', '2026-02-15T19:05:00Z');
insert into interdiction (id, number, device_key, inspection_id, at, received_at, actor_id, actor, scope, ownership, reason, public_street,
    neighbourhood, signer_role, proof) values
    (md5('interdiction 1')::uuid, '2026/001', md5('tel interdiction 1')::uuid, md5('inspection 2')::uuid, '2026-02-15T18:30:00Z',
        '2026-02-15T19:10:00Z', md5('staff caio')::uuid, 'caio', 'total', 'private', 'Risco de colapso', 'Rua das Palmeiras', 'Boa Vista',
        'resident', 'signature');
insert into field_sent (device_key, account_id, kind, at, sums, answer) values
    (md5('tel inspection 1')::uuid, md5('staff caio')::uuid, 'inspection', '2026-02-15T18:10:00Z', '{"street": "a1"}', '{"number": "2026/001"}');
insert into vault_record (id, purpose, subject, sealed, created_by, created_at, keep_until) values
    (md5('vault term')::uuid, 'interdiction_term', 'interdiction:' || md5('interdiction 1')::uuid, '\x011112131415161718f0', 'caio',
        '2026-02-15T19:10:00Z', '2046-02-15');
insert into number_series (series, year, last_number) values ('inspection', 2026, 2), ('interdiction', 2026, 1);
