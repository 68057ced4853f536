-- What anyone may know of alerts: only what has left. Every public address reads here and nowhere else, so that a draft, or one that was
-- returned or discarded, has no way out.
create view alert_public as
    select id, state, kind, status, cobrade, level, headline, description, instruction, severity, urgency, certainty, issued_at, expires_at,
           ended_at, references_alert_id, rule_id, rule_version, reasons, number, cap_identifier, cap_sender, cap_sent
    from alert
    where cap_xml is not null and cap_identifier is not null and number is not null and issued_at is not null
      and state not in ('draft', 'submitted', 'returned', 'approved', 'discarded');

-- From an alert to what answered it.
create index alert_answers_idx on alert (references_alert_id) where references_alert_id is not null;

-- When the evaluation last stood at the end of the journal. The public is told "no alert" only while that is fresh.
create table evaluator_beat (
    id boolean primary key default true constraint evaluator_beat_one check (id),
    -- By the clock of the service, which a demonstration plays faster.
    at timestamptz not null,
    -- By the clock of the database: how old it really is.
    beaten_at timestamptz not null default clock_timestamp()
);
