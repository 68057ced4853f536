-- Somebody who follows a segment, and what they were sent.
insert into segment_subscription (id, email, tags, language, asked_at, confirmed_at, looked_at) values
    (md5('segment 1')::uuid, 'nair@exemplo.invalid', '{obras}', 'pt-BR', '2026-01-20T12:00:00Z', '2026-01-20T12:10:00Z', '2026-01-21T13:05:00Z');
insert into segment_delivery (subscription_id, publication_id, at, notice_id) values
    (md5('segment 1')::uuid, md5('publication 1')::uuid, '2026-01-21T13:05:00Z', md5('notice segmento')::uuid);
