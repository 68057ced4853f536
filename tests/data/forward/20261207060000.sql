-- A device that came to a node of several.
update device set online = true, online_node = 'no-1', last_seen_at = '2026-02-17T17:00:00Z' where code = 'dl-regua';
