-- What is given from now on names its delivery; what is exercised takes nothing.
insert into household (id, code, incident_id, district, consent_at, consent_text, created_at, created_by) values
    (md5('household 2')::uuid, 'F2222BB', md5('incident boa vista')::uuid, 'Boa Vista', '2026-02-16T19:00:00Z', 'abrigo 2026-12',
        '2026-02-16T19:00:00Z', 'caio');
insert into aid_delivery (id, kit_id, household_id, place_id, incident_id, at, actor, until_at, proof, drill) values
    (md5('delivery 2')::uuid, md5('kit cesta')::uuid, md5('household 2')::uuid, md5('shelter escola')::uuid, md5('incident boa vista')::uuid,
        '2026-02-16T19:05:00Z', 'caio', '2026-03-18T19:05:00Z', 'signature', false);
insert into supply_entry (place_id, item_id, at, actor, kind, amount, delivery_id) values
    (md5('shelter escola')::uuid, md5('item cesta')::uuid, '2026-02-16T19:05:00Z', 'caio', 'delivered', -1, md5('delivery 2')::uuid);
