-- Publications and documents of cases come in with the file of another place: when they did stands with each, so that nothing that went out
-- there is sent out from here again. None: it was published or attached here.
alter table case_publication add column imported_at timestamptz;
alter table case_document add column imported_at timestamptz;
