-- With the departments there are 32 roles, and one person may have them all.
alter table staff drop constraint staff_roles_some;
alter table staff add constraint staff_roles_some check (cardinality(roles) between 0 and 32);
