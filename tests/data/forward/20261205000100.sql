-- Who commands, and who did before.
insert into incident_position (id, incident_id, position, resource_id, name, from_at, from_by, until_at, until_by) values
    (md5('position 1')::uuid, md5('incident boa vista')::uuid, 'commander', null, 'Davi Rocha', '2026-02-15T17:00:00Z', 'elisa',
        '2026-02-15T20:00:00Z', 'elisa'),
    (md5('position 2')::uuid, md5('incident boa vista')::uuid, 'commander', md5('resource caio')::uuid, 'Caio Souza', '2026-02-15T20:00:00Z',
        'elisa', null, null);
