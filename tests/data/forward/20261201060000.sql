-- When the evaluation last stood at the end of the journal.
insert into evaluator_beat (at, beaten_at) values ('2026-02-12T19:00:00Z', '2026-02-12T19:00:00Z');
