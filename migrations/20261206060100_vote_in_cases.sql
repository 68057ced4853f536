-- Votes of the members of an ethics council on a proposal in a case, one a seat and one a member in each round, and what came of a round.
create table ethics_vote (
    id bigint generated always as identity primary key,
    case_id uuid not null references case_file (id),
    -- The act in the ledger of the case that put the proposal to the vote.
    round integer not null constraint ethics_vote_round_positive check (round > 0),
    seat_id uuid not null references body_seat (id),
    person_id uuid not null references body_person (id),
    choice text not null constraint ethics_vote_choice_known check (choice in ('for', 'against', 'abstain')),
    at timestamptz not null,
    by text not null
);
create unique index ethics_vote_seat_once on ethics_vote (case_id, round, seat_id);
create unique index ethics_vote_person_once on ethics_vote (case_id, round, person_id);
create trigger ethics_vote_append_only before update or delete or truncate on ethics_vote
    for each statement execute function refuse_rewrite();

create table ethics_decision (
    case_id uuid not null references case_file (id),
    round integer not null,
    body_id uuid not null references body (id),
    proposal text not null constraint ethics_decision_proposal_known check (proposal in ('censure', 'agreement', 'filed')),
    votes_for integer not null,
    votes_against integer not null,
    votes_abstain integer not null,
    present integer not null,
    seats integer not null,
    quorum integer not null,
    needed integer not null,
    approved boolean not null,
    reason text not null,
    at timestamptz not null,
    by text not null,
    constraint ethics_decision_pkey primary key (case_id, round),
    constraint ethics_decision_quorum check (present >= quorum),
    constraint ethics_decision_votes check (votes_for >= 0 and votes_against >= 0 and votes_abstain >= 0
        and votes_for + votes_against + votes_abstain = present)
);
create trigger ethics_decision_append_only before update or delete or truncate on ethics_decision
    for each statement execute function refuse_rewrite();

-- The composition of an ethics council is public, what it does is not: it has a snapshot of its own.
alter table body_snapshot drop constraint body_snapshot_key_shape;
alter table body_snapshot add constraint body_snapshot_key_shape
    check (key ~ '^(card|composition|minutes/[0-9]{4}-[0-9]{1,6})$');
