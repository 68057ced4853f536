-- An outlet that left since: its name stays.
insert into press_outlet (id, name, contact, email, added_at, added_by, removed_at, removed_by) values
    (md5('outlet jornal')::uuid, 'Jornal da Tarde', '', null, '2026-01-12T12:00:00Z', 'ana', '2026-02-17T14:00:00Z', 'ana');
