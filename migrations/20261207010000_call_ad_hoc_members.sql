-- Who sits for a seat of the ethics council in one case alone, because recusals left the council without quorum: with the act of the authority
-- that designated them. Of a seat the last row holds.
create table ethics_ad_hoc (
    id bigint generated always as identity primary key,
    case_id uuid not null references case_file (id),
    seat_id uuid not null references body_seat (id),
    person_id uuid not null references body_person (id),
    act text not null constraint ethics_ad_hoc_act_length check (char_length(btrim(act)) between 1 and 200),
    reason text not null constraint ethics_ad_hoc_reason_length check (char_length(btrim(reason)) between 1 and 1000),
    at timestamptz not null,
    by text not null
);
create index ethics_ad_hoc_case on ethics_ad_hoc (case_id, id);
create trigger ethics_ad_hoc_append_only before update or delete or truncate on ethics_ad_hoc
    for each statement execute function refuse_rewrite();

-- Whoever is recused from a case neither votes in it nor is called to, and a round that was decided is over.
create function check_ethics_vote() returns trigger language plpgsql as $$
begin
    if exists (select from case_recusal r where r.case_id = new.case_id and r.lifted_at is null
            and r.username in (select s.username from body_person p join staff s on s.id = p.staff_id where p.id = new.person_id
                union all select new."by" where tg_table_name = 'ethics_vote')) then
        raise exception 'the member is recused from the case' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger ethics_vote_not_recused before insert on ethics_vote for each row execute function check_ethics_vote();
create trigger ethics_ad_hoc_not_recused before insert on ethics_ad_hoc for each row execute function check_ethics_vote();

create function check_ethics_round() returns trigger language plpgsql as $$
begin
    if exists (select from ethics_decision d where d.case_id = new.case_id and d.round = new.round) then
        raise exception 'the round is decided' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger ethics_vote_open before insert on ethics_vote for each row execute function check_ethics_round();
