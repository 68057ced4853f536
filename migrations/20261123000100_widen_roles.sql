-- A person may have several roles, among them those of the secretariat's modules. `role` is read no more; a later release
-- drops it.
alter table staff add column roles text[];
update staff set roles = array[role];
-- Until now an administrator could do whatever a coordinator could. Nobody loses that by an upgrade; whoever should, is changed.
update staff set roles = array['coordinator', 'administrator'] where role = 'administrator';
alter table staff alter column roles set not null;
alter table staff alter column role drop not null;
alter table staff add constraint staff_roles_some check (cardinality(roles) between 1 and 31);
alter table staff add constraint staff_roles_known check (roles <@ array[
    'viewer', 'field_agent', 'operator', 'approver', 'coordinator', 'administrator', 'auditor', 'privacy_officer',
    'representation', 'advisory', 'coordination', 'relations', 'legislative', 'ethics', 'transparency', 'participation',
    'service_evaluation', 'committees', 'agreements', 'strategic_projects', 'sic', 'ombudsman', 'outreach', 'segments',
    'service_charter', 'media_monitoring', 'press', 'funding', 'budget', 'assignments', 'news']);
