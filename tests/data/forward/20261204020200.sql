-- A kit that a family was given, and one that was given in an exercise, when nothing told the two apart.
insert into aid_kit (id, name, every_days, created_at, created_by) values
    (md5('kit cesta')::uuid, 'Cesta da família', 30, '2026-02-15T08:00:00Z', 'elisa');
insert into aid_kit_item (kit_id, item_id, amount) values (md5('kit cesta')::uuid, md5('item cesta')::uuid, 1);
insert into aid_delivery (id, kit_id, household_id, place_id, incident_id, at, actor, until_at, proof) values
    (md5('delivery 1')::uuid, md5('kit cesta')::uuid, md5('household 1')::uuid, md5('shelter escola')::uuid, md5('incident boa vista')::uuid,
        '2026-02-15T09:00:00Z', 'caio', '2026-03-17T09:00:00Z', 'signature'),
    (md5('delivery simulada')::uuid, md5('kit cesta')::uuid, md5('household simulado')::uuid, md5('stock central')::uuid,
        md5('incident simulado')::uuid, '2026-02-15T09:00:00Z', 'caio', '2026-03-17T09:00:00Z', 'witness');
insert into supply_entry (place_id, item_id, at, actor, kind, amount) values
    (md5('shelter escola')::uuid, md5('item cesta')::uuid, '2026-02-15T09:00:00Z', 'caio', 'delivered', -1);
