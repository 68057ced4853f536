-- A depot and what lies in it, what a shelter needs and what was promised.
insert into stock_place (id, name, shelter_id, created_at) values
    (md5('shelter escola')::uuid, 'Escola da Boa Vista', md5('shelter escola')::uuid, '2026-02-14T20:00:00Z'),
    (md5('stock central')::uuid, 'Depósito central', null, '2026-02-14T20:00:00Z');
insert into supply_item (id, name, unit, created_at) values
    (md5('item cesta')::uuid, 'Cesta básica', 'cesta', '2026-02-14T20:00:00Z'),
    (md5('item agua')::uuid, 'Água', 'litro', '2026-02-14T20:00:00Z');
insert into supply_entry (place_id, item_id, at, actor, kind, amount, move_id, reason) values
    (md5('stock central')::uuid, md5('item cesta')::uuid, '2026-02-14T20:00:00Z', 'caio', 'donated', 50, null, 'Mercado do bairro'),
    (md5('stock central')::uuid, md5('item cesta')::uuid, '2026-02-14T20:30:00Z', 'caio', 'moved_out', -20, md5('move 1')::uuid, ''),
    (md5('shelter escola')::uuid, md5('item cesta')::uuid, '2026-02-14T20:30:00Z', 'caio', 'moved_in', 20, md5('move 1')::uuid, '');
insert into supply_need (id, place_id, item_id, wanted, received, priority, note, opened_at, opened_by) values
    (md5('need 1')::uuid, md5('shelter escola')::uuid, md5('item agua')::uuid, 200, 40, 'urgent', '', '2026-02-14T21:00:00Z', 'caio');
insert into supply_promise (id, need_id, amount, donor, promised_at, promised_by, state, received, ended_at, ended_by) values
    (md5('promise 1')::uuid, md5('need 1')::uuid, 40, 'Padaria do Zé', '2026-02-14T21:05:00Z', 'caio', 'received', 40, '2026-02-14T22:00:00Z',
        'caio'),
    (md5('promise 2')::uuid, md5('need 1')::uuid, 100, '', '2026-02-14T21:06:00Z', 'caio', 'promised', null, null, null);
