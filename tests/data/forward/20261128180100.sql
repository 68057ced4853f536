-- Closed work of which the names were forgotten after their time.
insert into maintenance_task (station_id, opened_at, closed_at, closed_by, names_forgotten)
    select id, '2023-05-02T12:00:00Z', '2023-05-03T12:00:00Z', '', true from station where code = 'FLV-02';
insert into maintenance_event (task_id, at, actor, act, detail) select id, '2023-05-03T12:00:00Z', '', 'closed', '' from maintenance_task
    where names_forgotten;
