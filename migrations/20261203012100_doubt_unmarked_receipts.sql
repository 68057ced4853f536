-- A receipt that only its words tell, without a mark of the centre, may have been written by any telephone. Such a one counts for the
-- telephone that it came from and for no other.
alter table delivery_receipt add column is_unmarked boolean not null default false;
