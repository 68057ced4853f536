-- As before, and whoever of an institution waits to be told is not told any more when its alert is over, somebody there has seen it, or
-- the institution is closed.
create or replace function notice_is_moot(wanted uuid, for_purpose text) returns boolean
language sql stable as $$
    select case for_purpose
        when 'alert_copy' then exists (
            select from alert_copy c join alert a on a.id = c.alert_id
            where c.notice_id = wanted and not alert_stands(a.state, a.kind))
        when 'alert_page' then exists (
            select from alert_page p join alert_escalation e on e.id = p.escalation_id join alert a on a.id = e.alert_id
            where p.notice_id = wanted and p.state in ('pending', 'sending', 'accepted', 'unknown')
              and (e.ended_at is not null or e.acknowledged_at is not null or a.state not in ('draft', 'submitted')))
        when 'institution' then exists (
            select from institution_message m join institution_warning w on w.id = m.warning_id join alert a on a.id = w.alert_id
                join institution i on i.id = w.institution_id
            where m.notice_id = wanted
              and (w.acknowledged_at is not null or i.closed_at is not null or not alert_stands(a.state, a.kind)))
        else false end
$$;
