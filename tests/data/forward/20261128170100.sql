-- A message that was no report, which somebody read.
insert into stray_message (id, key, source, words, received_at, read_at, read_by) values
    (md5('stray 1')::uuid, 'smpp:operadora 991', '+5532900000005', 'me ajuda', '2026-02-10T18:00:00Z', '2026-02-10T18:02:00Z', 'caio');
