-- What an issued alert says, where it holds and what it answers stands for good, and its life goes one way.

create or replace function keep_issued_alert() returns trigger language plpgsql as $$
begin
    if old.status <> new.status then
        raise exception 'alert %: status % cannot become %', old.id, old.status, new.status using errcode = 'restrict_violation';
    end if;
    if old.cap_xml is null then
        return new;
    end if;
    if (old.cap_xml, old.cap_identifier, old.cap_sent, old.cap_sender, old.number, old.headline, old.description,
            old.instruction, old.sms_text, old.expires_at, old.issued_at, old.approved_by, old.level, old.cobrade, old.kind,
            old.references_alert_id, old.severity, old.urgency, old.certainty, old.revision)
        is distinct from (new.cap_xml, new.cap_identifier, new.cap_sent, new.cap_sender, new.number, new.headline, new.description,
            new.instruction, new.sms_text, new.expires_at, new.issued_at, new.approved_by, new.level, new.cobrade, new.kind,
            new.references_alert_id, new.severity, new.urgency, new.certainty, new.revision) then
        raise exception 'alert % is issued and cannot be rewritten', old.number using errcode = 'restrict_violation';
    end if;
    if new.state <> old.state
        and not (old.state = 'issued' and new.state in ('superseded', 'cleared', 'cancelled', 'expired'))
        and not (old.state = 'expired' and new.state in ('superseded', 'cleared')) then
        raise exception 'alert % is % and cannot become %', old.number, old.state, new.state using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- Neither into an issued alert nor out of it.
create or replace function keep_parts_of_issued_alert() returns trigger language plpgsql as $$
declare
    said text;
begin
    select number into said from alert where id in (new.alert_id, old.alert_id) and cap_xml is not null limit 1;
    if said is not null then
        raise exception 'alert % is issued and cannot be rewritten', said using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;
create trigger alert_area_keep_issued before insert or update or delete on alert_area
    for each row execute function keep_parts_of_issued_alert();

-- The same as `alert_answers`.
drop index alert_answers_idx;
