-- The case that came of a resolution: one that is there, and of one resolution only. Found from the case too.
alter table body_resolution add constraint body_resolution_spawned_case_kept
    foreign key (spawned_case) references case_file (id);
create unique index body_resolution_spawned_once on body_resolution (spawned_case);
