-- What was asked for an occurrence that was joined with another.
insert into resource_request (id, number, occurrence_id, kind, wanted, task, requested_at, requested_by, merge_id)
    select md5('request 2')::uuid, '2026/002', md5('occurrence casa')::uuid, 'engineer', 1, 'Laudo', '2026-02-16T17:00:00Z', 'caio', id
    from occurrence_merge;
update number_series set last_number = 2 where series = 'resource_request';
