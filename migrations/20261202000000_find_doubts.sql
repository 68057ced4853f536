-- Readings in doubt are few, and pages ask for those of a year: found without going through all that are not.
create index journal_doubts on journal (datastream_id, observed_at desc, seq desc) where quality <> 'pass';
