-- A shift's note that was given and taken, and the draft of the next.
insert into shift_note (id, number, state, from_at, until_at, revision, body, created_at, created_by, given_at, given_by, taken_at, taken_by,
    remark) values
    (md5('shift 1')::uuid, '2026/001', 'taken', '2026-02-13T21:00:00Z', '2026-02-14T09:00:00Z', 2, 'Noite calma depois das 2 h.',
        '2026-02-14T08:50:00Z', 'caio', '2026-02-14T09:00:00Z', 'caio', '2026-02-14T09:05:00Z', 'gil', 'ciente'),
    (md5('shift 2')::uuid, '2026/002', 'draft', '2026-02-14T09:00:00Z', '2026-02-14T21:00:00Z', 1, 'Equipe na rua das Palmeiras.',
        '2026-02-14T10:00:00Z', 'gil', null, null, null, null, '');
insert into number_series (series, year, last_number) values ('shift_note', 2026, 2);
