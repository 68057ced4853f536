-- The station page lists what did not pass: a few readings among the fifty thousand of a year.
create index journal_doubted on journal (datastream_id, observed_at) where quality <> 'pass';
