-- An order of the mayor begins cases of whatever module, by the hand of whoever carries it out.
alter table case_link drop constraint case_link_kind_known;
alter table case_link add constraint case_link_kind_known check (kind in ('parent', 'spawned', 'refers', 'started'));
