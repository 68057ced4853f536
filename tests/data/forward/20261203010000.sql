-- A telephone that leads nowhere any more, and a receipt that said so.
update resident_channel set failures = 3, blocked_at = '2026-02-13T10:00:00Z', blocked_reason = 'smpp 1' where address = '+5532900000002';
insert into delivery_receipt (provider, received_at, raw, provider_message_id, status, address, error, is_dead_address) values
    ('smpp:operadora', '2026-02-13T10:00:00Z', 'id:op-98 stat:UNDELIV err:001', 'op-98', 'UNDELIV', '+5532900000002', '001', true);
