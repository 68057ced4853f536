-- Who wrote words of a situation report: somebody else approves it, unless nobody else may.
alter table situation_report add column authors uuid[] not null default '{}';
-- The only person there was, said with the approval.
alter table situation_report add column approved_alone boolean not null default false;
update situation_report r set authors = array[s.id] from staff s where r.state = 'draft' and s.username = r.changed_by;
