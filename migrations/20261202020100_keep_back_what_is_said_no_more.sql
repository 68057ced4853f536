-- What waits to be sent and has nothing left to say stays here: rows of the outbox and notices alike.

-- Why a row of the outbox is not sent any more: its alert was answered, or the person left the exercise. Null: it is sent.
create function why_not_sent(alert_state text, alert_kind text, of_exercise uuid, of_resident uuid) returns text
language sql stable as $$
    select case
        when not alert_stands(alert_state, alert_kind) then alert_state
        when of_exercise is not null and not exists (
                select from exercise_participant p
                where p.exercise_id = of_exercise and p.resident_id = of_resident and p.left_at is null)
            then 'left_exercise' end
$$;

-- Whether a notice that waits is about something that is over: a copy of an alert that was answered, or a call to staff for an
-- alert that somebody has decided upon or seen.
create function notice_is_moot(wanted uuid, for_purpose text) returns boolean
language sql stable as $$
    select case for_purpose
        when 'alert_copy' then exists (
            select from alert_copy c join alert a on a.id = c.alert_id
            where c.notice_id = wanted and not alert_stands(a.state, a.kind))
        when 'alert_page' then exists (
            select from alert_page p join alert_escalation e on e.id = p.escalation_id join alert a on a.id = e.alert_id
            where p.notice_id = wanted and p.state in ('pending', 'sending', 'accepted', 'unknown')
              and (e.ended_at is not null or e.acknowledged_at is not null or a.state not in ('draft', 'submitted')))
        else false end
$$;
