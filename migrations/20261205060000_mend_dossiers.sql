-- A document prints as it was adopted, a recognition has its day, a declaration that waited goes on in the next version, a dossier that was
-- given up can be taken up again, and a local rule of deadlines ends.

-- Paragraphs with their places filled, as they were adopted; null of a draft, and of what was adopted before.
alter table damage_document add column filled jsonb constraint damage_document_filled_array check (jsonb_typeof(filled) = 'array');
alter table damage_document add constraint damage_document_filled_adopted check (filled is null or state = 'adopted');

alter table disaster
    -- The revision in which header, sections or level changed last: who writes them need not have seen every figure.
    add column form_revision integer not null default 1,
    -- Of the act of recognition, which the plan of reconstruction is counted from.
    add column recognised_on date,
    add constraint disaster_recognised_state check (recognised_on is null or state = 'recognised');

create or replace function keep_disaster() returns trigger language plpgsql as $$
declare
    first record;
    later constant text[] := array['state', 'protocol', 'decided_at', 'decided_by', 'decision', 'recognised_on', 'pdf'];
begin
    if tg_op = 'DELETE' then
        raise exception 'the dossier of a disaster is kept' using errcode = 'restrict_violation';
    end if;
    if tg_op = 'INSERT' then
        if new.version > 1 then
            select cobrade, occurred_at, drill into first from disaster where id = new.corrects and incident_id = new.incident_id;
            if not found or (first.cobrade, first.occurred_at, first.drill) is distinct from (new.cobrade, new.occurred_at, new.drill) then
                raise exception 'a correction keeps COBRADE and time of the disaster' using errcode = 'restrict_violation';
            end if;
        end if;
        return new;
    end if;
    if (new.id, new.incident_id, new.version, new.corrects, new.drill, new.opened_at, new.opened_by)
        is distinct from (old.id, old.incident_id, old.version, old.corrects, old.drill, old.opened_at, old.opened_by) then
        raise exception 'what a dossier is of does not change' using errcode = 'restrict_violation';
    end if;
    if (new.cobrade, new.occurred_at) is distinct from (old.cobrade, old.occurred_at) and (old.state <> 'open'
            or exists (select from disaster d where d.incident_id = old.incident_id and d.submitted_at is not null)) then
        raise exception 'COBRADE and time of a disaster stand as they were submitted' using errcode = 'restrict_violation';
    end if;
    if old.state <> 'open' and to_jsonb(new) - later is distinct from to_jsonb(old) - later
        or old.state <> 'open' and new.pdf is distinct from old.pdf
        or old.state in ('recognised', 'archived') and to_jsonb(new) - 'pdf' is distinct from to_jsonb(old) - 'pdf'
        or old.state <> 'open' and new.state = 'open' then
        raise exception 'the dossier is % and stands as it is', old.state using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- The declaration of an earlier version that nobody answered and that goes on as this one.
alter table damage_declaration add column carried_from uuid
    constraint damage_declaration_carried_once unique references damage_declaration (id);

create table deadline_rule_end (
    rule_id uuid primary key references deadline_rule (id),
    at timestamptz not null,
    actor text not null,
    reason text not null constraint deadline_rule_end_reason_length check (char_length(btrim(reason)) between 1 and 1000)
);
create trigger deadline_rule_end_append_only before update or delete or truncate on deadline_rule_end
    for each statement execute function refuse_rewrite();

-- A deadline goes over to another subject, with its course.
alter table deadline_act drop constraint deadline_act_known;
alter table deadline_act add constraint deadline_act_known check (act in
    ('set', 'reckon', 'extend', 'suspend', 'resume', 'interrupt', 'meet', 'void', 'pass'));
