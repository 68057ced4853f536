-- What one shift leaves to the next: drafted from the timelines and the open occurrences between two instants, edited, and signed by
-- whoever gives it and whoever takes it. A note that was given is never rewritten, and one that was taken is never touched again.
create table shift_note (
    id uuid primary key,
    number text not null constraint shift_note_number_unique unique,
    state text not null constraint shift_note_state_known check (state in ('draft', 'given', 'taken')),
    from_at timestamptz not null,
    until_at timestamptz not null,
    -- Rises with each edit, so that nobody overwrites another's words.
    revision integer not null default 1,
    body text not null constraint shift_note_body_length check (char_length(body) between 1 and 60000),
    created_at timestamptz not null,
    created_by text not null,
    given_at timestamptz,
    given_by text,
    taken_at timestamptz,
    taken_by text,
    -- What whoever took it added.
    remark text not null default '' constraint shift_note_remark_length check (char_length(remark) <= 2000),
    constraint shift_note_period_forward check (until_at > from_at),
    constraint shift_note_given_whole check ((state <> 'draft') = (given_at is not null) and (given_at is null) = (given_by is null)),
    constraint shift_note_taken_whole check ((state = 'taken') = (taken_at is not null) and (taken_at is null) = (taken_by is null)),
    constraint shift_note_two_people check (taken_by <> given_by)
);
create unique index shift_note_one_draft on shift_note (state) where state = 'draft';
create index shift_note_until on shift_note (until_at desc);

create function keep_shift_note() returns trigger language plpgsql as $$
begin
    if old.state = 'taken'
        or (old.state = 'given' and (new.body, new.from_at, new.until_at, new.given_at, new.given_by, new.created_by)
            is distinct from (old.body, old.from_at, old.until_at, old.given_at, old.given_by, old.created_by))
        or (old.state = 'given' and new.state = 'draft') then
        raise exception 'shift note % was given and is not rewritten', old.number using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger shift_note_kept before update on shift_note for each row execute function keep_shift_note();
create trigger shift_note_stays before delete or truncate on shift_note for each statement execute function refuse_rewrite();
