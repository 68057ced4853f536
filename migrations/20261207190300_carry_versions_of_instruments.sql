-- When a version came in with the file of another place; none: it was published here.
alter table instrument_publication add column imported_at timestamptz;
