-- How often the catalogue that the rules read has changed. Whoever missed hints, or gets the same one twice, looks here before it
-- reads everything anew.
create table catalogue_version (
    is_one boolean primary key default true constraint catalogue_version_is_one check (is_one),
    version bigint not null default 0
);
insert into catalogue_version default values;
