-- A calendar with a problem, and a test of the siren that is due.
update rota set feed_problems = '[{"field": "ATTENDEE e-9", "value": "quem-saiu", "fault": "stranger", "n": 0, "message": "nobody here has this name"}]'
    where code = 'plantao';
insert into maintenance_event (task_id, at, actor, act) select id, '2026-02-15T15:00:00Z', 'service', 'siren_test_due' from maintenance_task
    where closed_at is null;
