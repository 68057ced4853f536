-- A feed that failed from its first ask.
insert into feed (name, due_at, asked_at, failures, error, silent_since) values
    ('sgb', '2026-02-17T18:10:00Z', '2026-02-17T18:00:00Z', 1, 'HTTP 404', '2026-02-17T18:00:00Z');
