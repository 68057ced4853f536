-- What the desks of the secretariat refuse, the database refuses too.

-- Deadlines are read by more people than restricted cases: their titles say number and type alone.
update deadline d set title = left(btrim(coalesce(c.series || ' ' || c.year || '/' || lpad(c.number::text, greatest(3, length(c.number::text)), '0'),
        c.type_key)), 300)
    from case_file c where d.subject_kind = 'case' and c.id = d.subject_id and c.access = 'restricted';
create index deadline_open_secretariat on deadline (due_on, id) where state = 'open' and link like '/secretaria/%';

-- A case keeps what it began with, a number once it has one, and its annulment; each act moves its revision by one.
create function keep_case_file() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'a case is annulled and never deleted' using errcode = 'restrict_violation';
    end if;
    if (new.id, new.type_key, new.type_version, new.module, new.access, new.author, new.source, new.opened_at)
            is distinct from (old.id, old.type_key, old.type_version, old.module, old.access, old.author, old.source, old.opened_at)
        or new.code_hash is distinct from old.code_hash
        or old.number is not null and (new.series, new.year, new.number) is distinct from (old.series, old.year, old.number)
        or old.annulled_at is not null and (new.annulled_at, new.annulled_by, new.annulled_reason)
            is distinct from (old.annulled_at, old.annulled_by, old.annulled_reason)
        or new.revision not in (old.revision, old.revision + 1) then
        raise exception 'a case keeps its type, origin, number and annulment' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger case_file_kept before update or delete on case_file for each row execute function keep_case_file();
create trigger case_file_whole before truncate on case_file for each statement execute function refuse_rewrite();
create trigger case_publication_whole before truncate on case_publication for each statement execute function refuse_rewrite();

-- An instrument keeps its kind and a number once it has one.
create function keep_instrument() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'an instrument is closed and never deleted' using errcode = 'restrict_violation';
    end if;
    if (new.id, new.module, new.kind, new.opened_at, new.opened_by) is distinct from (old.id, old.module, old.kind, old.opened_at, old.opened_by)
        or old.number is not null and (new.series, new.year, new.number) is distinct from (old.series, old.year, old.number)
        or new.revision not in (old.revision, old.revision + 1) then
        raise exception 'an instrument keeps its kind, origin and number' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger instrument_kept before update or delete on instrument for each row execute function keep_instrument();
create trigger instrument_whole before truncate on instrument for each statement execute function refuse_rewrite();

-- The sums of an instrument's money hold after every entry (Lei 4.320/1964, arts. 58 to 63), and what takes an entry back is that entry.
create function check_instrument_money() returns trigger language plpgsql as $$
declare
    sums record;
begin
    if new.reverses is not null and not exists (select from instrument_money m where m.instrument_id = new.instrument_id
            and m.seq = new.reverses and m.reverses is null and m.movement = new.movement and m.centavos = -new.centavos) then
        raise exception 'entry % takes back no entry of its kind and amount', new.seq using errcode = 'check_violation';
    end if;
    select coalesce(sum(centavos) filter (where movement = 'committed'), 0) as committed,
        coalesce(sum(centavos) filter (where movement = 'released'), 0) as released,
        coalesce(sum(centavos) filter (where movement = 'counterpart_due'), 0) as due,
        coalesce(sum(centavos) filter (where movement = 'counterpart_paid'), 0) as paid,
        coalesce(sum(centavos) filter (where movement = 'spent'), 0) as spent,
        coalesce(sum(centavos) filter (where movement = 'returned'), 0) as returned
    into sums from instrument_money where instrument_id = new.instrument_id;
    if sums.released > sums.committed or sums.paid > sums.due or sums.spent + sums.returned > sums.released + sums.paid
        or least(sums.committed, sums.released, sums.due, sums.paid, sums.spent, sums.returned) < 0 then
        raise exception 'the sums of the instrument % do not hold', new.instrument_id using errcode = 'check_violation';
    end if;
    return null;
end $$;
create trigger instrument_money_sums after insert on instrument_money for each row execute function check_instrument_money();

-- Whoever is recused does not vote, and nothing is voted on or recused from once it is decided.
create function check_body_vote() returns trigger language plpgsql as $$
begin
    if exists (select from body_decision d where d.item_id = new.item_id)
        or tg_table_name = 'body_vote' and exists (select from body_recusal r where r.item_id = new.item_id and r.person_id = new.person_id) then
        raise exception 'the item is decided, or the member is recused' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger body_vote_open before insert on body_vote for each row execute function check_body_vote();
create trigger body_recusal_open before insert on body_recusal for each row execute function check_body_vote();

-- Decided is what lies before an open meeting; resolved is what was decided in favour, by the body whose meeting it was.
create function check_body_decision() returns trigger language plpgsql as $$
begin
    if not exists (select from body_item i join body_meeting m on m.id = i.meeting_id where i.id = new.item_id and m.state = 'opened') then
        raise exception 'only an open meeting decides' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger body_decision_in_meeting before insert on body_decision for each row execute function check_body_decision();
create function check_body_resolution() returns trigger language plpgsql as $$
begin
    if not exists (select from body_decision d join body_item i on i.id = d.item_id join body_meeting m on m.id = i.meeting_id
            where d.item_id = new.item_id and d.approved and m.body_id = new.body_id) then
        raise exception 'no resolution without a decision in favour by this body' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger body_resolution_decided before insert on body_resolution for each row execute function check_body_resolution();

-- Lines of a budget stand once it is no longer collected: amendments and credits change what they add up to.
create function keep_budget_line() returns trigger language plpgsql as $$
declare
    bill uuid;
begin
    if tg_op = 'INSERT' then
        bill := new.bill_id;
    else
        bill := old.bill_id;
    end if;
    if exists (select from budget_bill b where b.id = bill and b.state <> 'collecting') then
        raise exception 'the lines of a bill that is not collected stand' using errcode = 'restrict_violation';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end $$;
create trigger budget_line_stands before insert or update or delete on budget_line for each row execute function keep_budget_line();
create trigger budget_revenue_stands before insert or update or delete on budget_revenue for each row execute function keep_budget_line();
