-- Whose words a draft has: whoever drafted it by hand or saved it last. Null is the rule's own text. They cannot complete
-- the approval where two persons must stand behind an alert.
alter table alert add column written_by uuid references staff (id);
update alert a set written_by = (
    select s.id from staff s where s.username = coalesce(
        (select e.actor from alert_event e where e.alert_id = a.id and e.action = 'edited' order by e.id desc limit 1),
        a.created_by))
where a.state = 'draft' and (a.edited or a.created_by <> 'rule');

-- Who stands behind which revision of a draft. What is taken back is another row: nobody rewrites who said what when.
create table alert_approval (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id),
    revision integer not null constraint alert_approval_revision_positive check (revision > 0),
    staff_id uuid not null references staff (id),
    act text not null constraint alert_approval_act_known check (act in ('approve', 'withdraw')),
    at timestamptz not null
);
create index alert_approval_alert on alert_approval (alert_id, revision, id);
create trigger alert_approval_append_only before update or delete or truncate on alert_approval
    for each statement execute function refuse_rewrite();

-- The history names the rule and the service by these words; a person of that name would pass for them.
alter table staff add constraint staff_username_reserved check (username not in ('rule', 'service', 'policy')) not valid;
