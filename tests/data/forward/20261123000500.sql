-- Letters that are no alerts: one that left, one that waits, and one in the sink.
insert into notice (id, channel, address, purpose, subject, body, state, attempts, next_attempt_at, expires_at, provider, fence, created_at,
    final_at) values
    (md5('notice convite')::uuid, 'email', 'gil@exemplo.invalid', 'invitation', '', '', 'delivered', 1, '2026-02-01T09:00:00Z',
        '2026-02-04T09:00:00Z', 'sink:email', 1, '2026-02-01T09:00:00Z', '2026-02-01T09:00:01Z'),
    (md5('notice senha')::uuid, 'email', 'davi@exemplo.invalid', 'reset', 'Nova senha', 'Abra o endereço para escolher uma senha nova.', 'pending',
        0, '2026-02-01T11:00:00Z', '2026-02-01T12:00:00Z', null, 0, '2026-02-01T11:00:00Z', null);
insert into sink_message (at, channel, address, subject, body, notice_id) values
    ('2026-02-01T09:00:01Z', 'email', 'gil@exemplo.invalid', 'Convite', 'Bem-vindo ao Sentinela.', md5('notice convite')::uuid);
