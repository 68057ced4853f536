-- A process that is gone, and said last that it held readings.
insert into service_process (id, node, roles, started_at, seen_at, holding_s) values
    (md5('process antigo')::uuid, 'servidor-1', '{ingest,evaluate,dispatch,web}', '2026-02-18T00:00:00Z', '2026-02-18T11:00:00Z', 3.5);
