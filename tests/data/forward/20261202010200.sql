-- An entry of a list that could not be fetched, and is asked for again.
insert into feed_entry (source, key, asked_at, tries, retry_at, error_kind, error) values
    ('inmet', 'https://inmet.invalid/28278', '2026-02-12T20:10:00Z', 3, '2026-02-12T21:00:00Z', 'status', 'HTTP 500');
