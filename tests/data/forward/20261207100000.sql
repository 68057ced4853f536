-- The last time the service looked at itself, and a stretch in which it did not send.
insert into service_look (looked_at) values ('2026-02-17T19:00:00Z');
insert into service_spell (part, since_at, until_at) values ('sending', '2026-02-10T02:00:00Z', '2026-02-10T02:20:00Z');
