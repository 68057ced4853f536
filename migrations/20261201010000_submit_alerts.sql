-- The life of an alert in full: submitted by whoever wrote it, returned with a reason, approved, issued. And who of the staff is
-- paged while an alert waits for an answer.

-- `submitted` is undecided like `draft`. `approved` lasts within the transaction that also issues the alert.
alter table alert drop constraint alert_state_known;
alter table alert add constraint alert_state_known check (state in
    ('draft', 'submitted', 'approved', 'discarded', 'issued', 'superseded', 'cleared', 'cancelled', 'expired'));
alter table alert drop constraint alert_issued_complete;
alter table alert add constraint alert_issued_complete check (
    state in ('draft', 'submitted', 'approved', 'discarded')
    or (number is not null and cap_identifier is not null and cap_sender is not null and cap_sent is not null
        and cap_xml is not null and issued_at is not null and approved_by is not null));
-- What systems say to systems: marked like a test, and never sent to residents.
alter table alert drop constraint alert_status_known;
alter table alert add constraint alert_status_known check (status in ('actual', 'exercise', 'system', 'test'));

-- Who asked for a decision, while the alert is submitted.
alter table alert add column submitted_at timestamptz;
alter table alert add column submitted_by text;
alter table alert add constraint alert_submission_whole check (
    (submitted_at is null) = (submitted_by is null) and (state <> 'submitted' or submitted_at is not null));
-- The last word of an approver who gave it back, until it is submitted again.
alter table alert add column returned_at timestamptz;
alter table alert add column returned_by text;
alter table alert add column return_reason text;
alter table alert add constraint alert_return_whole check (
    (returned_at is null) = (returned_by is null) and (returned_at is null) = (return_reason is null));
create index alert_undecided on alert (created_at) where state in ('draft', 'submitted');
create index alert_answers on alert (references_alert_id) where references_alert_id is not null;

-- Every alert that may stand for others is in force, or is itself the word of an end, which is said and over at once.
create function alert_stands(state text, kind text) returns boolean language sql immutable as $$
    select state = 'issued' or (kind in ('all_clear', 'cancel') and state in ('cleared', 'cancelled'))
$$;

-- Where the staff can be paged. E.164.
alter table staff add column phone text constraint staff_phone_shape check (phone ~ '^\+[1-9][0-9]{7,14}$');

-- One wait of an alert for an answer, with the plan as it stood when it began: later changes of the configuration change nothing.
create table alert_escalation (
    id uuid primary key,
    alert_id uuid not null references alert (id) on delete cascade,
    -- What waits: a draft that a rule wrote, or one that a person submitted.
    cause text not null constraint alert_escalation_cause_known check (cause in ('rule', 'submitted')),
    since_at timestamptz not null,
    opened_at timestamptz not null,
    plan jsonb not null constraint alert_escalation_plan_list check (jsonb_typeof(plan) = 'array'),
    deadline_at timestamptz not null,
    -- The first who said that they have seen it; nobody is paged from then on.
    acknowledged_at timestamptz,
    acknowledged_by uuid references staff (id),
    acknowledged_how text constraint alert_escalation_how_known check (acknowledged_how in ('link', 'page', 'api', 'edit')),
    -- When the deadline passed without a decision.
    overdue_at timestamptz,
    ended_at timestamptz,
    -- What the alert became, or `returned` or `edited`.
    ended_as text,
    constraint alert_escalation_wait_once unique (alert_id, cause, since_at),
    constraint alert_escalation_acknowledged_whole check (num_nonnulls(acknowledged_at, acknowledged_by, acknowledged_how) in (0, 3)),
    constraint alert_escalation_ended_whole check ((ended_at is null) = (ended_as is null))
);
create index alert_escalation_open on alert_escalation (deadline_at) where ended_at is null;

-- The steps of a plan with their due times, so that a restart changes nothing.
create table alert_escalation_step (
    escalation_id uuid not null references alert_escalation (id) on delete cascade,
    position integer not null constraint alert_escalation_step_position_positive check (position > 0),
    due_at timestamptz not null,
    done_at timestamptz,
    -- `nobody`: there was nobody whom it could page. `stopped`: somebody had answered before.
    outcome text constraint alert_escalation_step_outcome_known check (outcome in ('paged', 'nobody', 'stopped')),
    primary key (escalation_id, position),
    constraint alert_escalation_step_done_whole check ((done_at is null) = (outcome is null))
);
create index alert_escalation_step_due on alert_escalation_step (due_at) where done_at is null;

-- One message to one person. The address is in the notice alone and goes with it.
create table alert_page (
    id uuid primary key,
    escalation_id uuid not null,
    position integer not null,
    staff_id uuid not null references staff (id),
    channel text not null constraint alert_page_channel_known check (channel in ('sms', 'email')),
    at timestamptz not null,
    -- None when the person has no address of this channel.
    notice_id uuid,
    -- The state of the notice as it was last seen, kept when the notice is gone; `no_address` without one.
    state text not null constraint alert_page_state_known check (state in
        ('pending', 'sending', 'accepted', 'unknown', 'delivered', 'rejected', 'expired', 'suppressed', 'no_address')),
    reason text not null default '',
    state_at timestamptz not null,
    foreign key (escalation_id, position) references alert_escalation_step (escalation_id, position) on delete cascade,
    constraint alert_page_once unique (escalation_id, position, staff_id, channel)
);
create index alert_page_moving on alert_page (notice_id) where state in ('pending', 'sending', 'accepted', 'unknown');
