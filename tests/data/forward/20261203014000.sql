-- A silence that is owed, in the days before sirens had a table of their own: of no siren that there is later.
insert into siren_owed (endpoint_id, silence_at, failures) values (md5('endpoint sirene velha')::uuid, '2026-02-13T11:00:00Z', 1);
