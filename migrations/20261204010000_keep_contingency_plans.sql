-- Contingency plans (PLANCON) as data, and what their activation makes of them: tasks of an incident.
create table contingency_plan (
    id uuid primary key,
    code text not null constraint contingency_plan_code_unique unique
        constraint contingency_plan_code_shape check (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    created_at timestamptz not null,
    created_by text not null
);

-- A plan is written and approved as a whole, so a version is one document; src/plancon/file.rs says its form.
create table plan_version (
    id uuid primary key,
    plan_id uuid not null references contingency_plan (id),
    number integer not null constraint plan_version_number_positive check (number > 0),
    state text not null constraint plan_version_state_known check (state in ('draft', 'in_force', 'replaced', 'withdrawn')),
    revision integer not null default 1,
    title text not null constraint plan_version_title_length check (char_length(btrim(title)) between 1 and 160),
    -- As it was written, with its comments.
    source text not null constraint plan_version_source_length check (octet_length(source) <= 400000),
    document jsonb not null,
    changed_at timestamptz not null,
    changed_by text not null,
    in_force_at timestamptz,
    approved_by text,
    -- The day by which it has to be looked at again.
    review_on date,
    ended_at timestamptz,
    -- When coordinators were last told that the review is near or due.
    reminded_on date,
    constraint plan_version_number_unique unique (plan_id, number),
    constraint plan_version_in_force_whole check (
        (in_force_at is null) = (approved_by is null) and (in_force_at is null) = (review_on is null)
        and (state not in ('in_force', 'replaced') or in_force_at is not null)),
    constraint plan_version_ended_whole check ((ended_at is null) = (state in ('draft', 'in_force')))
);
create unique index plan_version_in_force on plan_version (plan_id) where state = 'in_force';
create unique index plan_version_draft on plan_version (plan_id) where state = 'draft';

create function keep_plan_version() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'version % of a contingency plan is kept', old.number using errcode = 'restrict_violation';
    end if;
    if old.state <> 'draft' and (new.document, new.source, new.title, new.number, new.plan_id, new.approved_by, new.in_force_at)
            is distinct from (old.document, old.source, old.title, old.number, old.plan_id, old.approved_by, old.in_force_at)
        or old.state in ('replaced', 'withdrawn') and new.state <> old.state
        or old.state = 'in_force' and new.state = 'draft' then
        raise exception 'version % of a contingency plan is % and cannot be rewritten', old.number, old.state
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger plan_version_keep before update or delete on plan_version for each row execute function keep_plan_version();

-- What was done to a version, by whom and why. Whoever wrote it does not approve it.
create table plan_act (
    id bigint generated always as identity primary key,
    version_id uuid not null references plan_version (id),
    at timestamptz not null,
    act text not null constraint plan_act_act_known check (act in ('write', 'approve', 'review', 'replace', 'withdraw')),
    staff_id uuid references staff (id),
    actor text not null,
    reason text not null default '' constraint plan_act_reason_length check (char_length(reason) <= 1000)
);
create index plan_act_version on plan_act (version_id, id);
create trigger plan_act_append_only before update or delete or truncate on plan_act
    for each statement execute function refuse_rewrite();

-- A scenario of a plan at work in an incident, at the highest level that it was raised to.
create table plan_activation (
    id uuid primary key,
    incident_id uuid not null references incident (id),
    version_id uuid not null references plan_version (id),
    scenario text not null,
    scenario_title text not null,
    level text not null constraint plan_activation_level_known check (level in ('observation', 'attention', 'alert', 'maximum')),
    -- The incident is exercised and not real.
    drill boolean not null,
    alert_id uuid references alert (id),
    activated_at timestamptz not null,
    activated_by text not null,
    reason text not null constraint plan_activation_reason_length check (char_length(reason) between 1 and 1000),
    raised_at timestamptz,
    ended_at timestamptz,
    ended_by text,
    end_reason text not null default '',
    constraint plan_activation_ended_whole check ((ended_at is null) = (ended_by is null) and (ended_at is null) = (end_reason = '')),
    constraint plan_activation_whole unique (id, incident_id, drill)
);
create unique index plan_activation_open on plan_activation (incident_id, version_id, scenario) where ended_at is null;
create index plan_activation_incident on plan_activation (incident_id, activated_at);

create function incident_is_drill(wanted uuid) returns boolean language sql stable as $$
    select exists (select from incident_alert ia join alert a on a.id = ia.alert_id
                   where ia.incident_id = wanted and a.status <> 'actual')
$$;
-- Whoever writes: what is exercised never stands among what is real.
create function guard_drill() returns trigger language plpgsql as $$
begin
    if new.drill is distinct from incident_is_drill(new.incident_id) then
        raise exception 'incident % is %: its plan cannot be activated as the other',
            new.incident_id, case when new.drill then 'real' else 'an exercise' end using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger plan_activation_guard_drill before insert or update of drill, incident_id on plan_activation
    for each row execute function guard_drill();

-- What is to be done in an incident. Late and waiting are computed from the clock and the others, and stored nowhere.
create table incident_task (
    id uuid primary key,
    activation_id uuid not null,
    incident_id uuid not null,
    drill boolean not null,
    -- Of the action in the plan.
    code text not null,
    position integer not null,
    title text not null,
    level text not null,
    role text,
    rota text,
    checklist text[] not null,
    depends_on text[] not null,
    made_at timestamptz not null,
    due_at timestamptz not null,
    state text not null default 'todo' constraint incident_task_state_known check (state in ('todo', 'taken', 'done', 'not_needed')),
    assignee uuid references staff (id),
    taken_at timestamptz,
    closed_at timestamptz,
    closed_by text,
    note text not null default '' constraint incident_task_note_length check (char_length(note) <= 1000),
    revision integer not null default 1,
    constraint incident_task_activation foreign key (activation_id, incident_id, drill)
        references plan_activation (id, incident_id, drill),
    constraint incident_task_once unique (activation_id, code),
    constraint incident_task_someone check (num_nonnulls(role, rota) = 1),
    constraint incident_task_due check (due_at >= made_at),
    constraint incident_task_taken_whole check ((state <> 'todo' or assignee is null) and (state <> 'taken' or assignee is not null)
        and (assignee is null) = (taken_at is null)),
    constraint incident_task_closed_whole check (
        (closed_at is null) = (closed_by is null) and (closed_at is not null) = (state in ('done', 'not_needed'))),
    constraint incident_task_not_needed_why check (state <> 'not_needed' or note <> '')
);
create index incident_task_incident on incident_task (incident_id, due_at);
create index incident_task_open on incident_task (due_at) where state in ('todo', 'taken');

create table incident_task_act (
    id bigint generated always as identity primary key,
    task_id uuid not null references incident_task (id),
    at timestamptz not null,
    actor text not null,
    act text not null constraint incident_task_act_known check (act in ('make', 'take', 'hand_over', 'done', 'not_needed', 'undo')),
    note text not null default '',
    -- To whom it was handed; what was still undone when it was done.
    detail jsonb not null default '{}'
);
create index incident_task_act_task on incident_task_act (task_id, id);
create trigger incident_task_act_append_only before update or delete or truncate on incident_task_act
    for each statement execute function refuse_rewrite();

-- The end of an incident ends its plans, whoever closes it.
create function end_plans_of_incident() returns trigger language plpgsql as $$
declare
    task record;
begin
    for task in
        update incident_task t set state = 'not_needed', closed_at = new.closed_at, closed_by = new.closed_by,
            note = 'incident_closed', revision = revision + 1
        from plan_activation a
        where a.id = t.activation_id and a.incident_id = new.id and a.ended_at is null and t.state in ('todo', 'taken')
        returning t.id
    loop
        insert into incident_task_act (task_id, at, actor, act, note)
        values (task.id, new.closed_at, new.closed_by, 'not_needed', 'incident_closed');
    end loop;
    update plan_activation set ended_at = new.closed_at, ended_by = new.closed_by, end_reason = 'incident_closed'
    where incident_id = new.id and ended_at is null;
    return null;
end $$;
create trigger incident_ends_plans after update of state on incident
    for each row when (old.state <> 'closed' and new.state = 'closed') execute function end_plans_of_incident();
