-- What keeps the reports of a year quick: the cases of a type and year in the order of their ids with all that is counted of them, and
-- the ages of those that are open without passing over those that are not.
create index case_file_of_year on case_file (type_key, counted_year, id)
    include (state, is_final, annulled_at, department, opened_at, year);
drop index case_file_counted;
create index case_file_ages on case_file (type_key, opened_at) include (id) where not is_final;
