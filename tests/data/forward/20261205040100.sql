-- An audience that is being moved into the outbox.
insert into spread_recipient (alert_id, n, resident_id, channel, address, language, danger, basis, reason, needs) values
    (md5('alert em vigor')::uuid, 1, md5('resident joana')::uuid, 'sms', '+5532900000001', 'pt-BR', 0, 'inside', '', false);
