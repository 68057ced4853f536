-- What somebody writes stood beside their answer in one transaction, so that whoever read the tables could put the two together. Letters hold it
-- now: sealed, one for each answer, with words or without, of one size for all of a round, and without an id, a day or an order of their own.
create table evaluation_letter (
    round_id uuid not null,
    service_id uuid not null,
    sealed bytea not null constraint evaluation_letter_sealed_length check (octet_length(sealed) between 60 and 4000000),
    constraint evaluation_letter_asked foreign key (round_id, service_id) references evaluation_round_service (round_id, service_id)
);
-- Sealed bytes cannot be packed.
alter table evaluation_letter alter column sealed set storage external;
create index evaluation_letter_of on evaluation_letter (round_id, service_id);

-- Texts of before, written anew in the order of their random ids: nothing tells any more with which answer they came.
create temporary table evaluation_comment_before on commit drop as select * from evaluation_comment;
truncate evaluation_comment;
insert into evaluation_comment (id, round_id, service_id, question, text, state, reason, checked_by, checked_at)
select id, round_id, service_id, question, text, state, reason, checked_by, checked_at from evaluation_comment_before order by id;

-- What the first page of the public asks for, without reading the other rounds.
create index evaluation_round_public on evaluation_round (closes_on, id) where open_link;
