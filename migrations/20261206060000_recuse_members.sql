-- Who is recused from a case: while a row stands, the case does not exist for this account. Lifted once, with a reason; never rewritten.
create table case_recusal (
    id uuid primary key,
    case_id uuid not null references case_file (id),
    username text not null constraint case_recusal_username_length check (char_length(username) between 1 and 64),
    how text not null constraint case_recusal_how_known check (how in ('declared', 'decided', 'party')),
    reason text not null constraint case_recusal_reason_length check (char_length(btrim(reason)) between 1 and 1000),
    at timestamptz not null,
    by text not null,
    lifted_at timestamptz,
    lifted_by text,
    lifted_reason text constraint case_recusal_lifted_reason_length check (char_length(btrim(lifted_reason)) between 1 and 1000),
    constraint case_recusal_lifted_whole check (num_nonnulls(lifted_at, lifted_by, lifted_reason) in (0, 3))
);
create unique index case_recusal_once on case_recusal (case_id, username) where lifted_at is null;
create index case_recusal_username on case_recusal (username) where lifted_at is null;

create function keep_case_recusal() returns trigger language plpgsql as $$
begin
    if tg_op <> 'UPDATE' or old.lifted_at is not null
        or (to_jsonb(new) - '{lifted_at,lifted_by,lifted_reason}'::text[])
            <> (to_jsonb(old) - '{lifted_at,lifted_by,lifted_reason}'::text[]) then
        raise exception 'a recusal is lifted once and never rewritten' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger case_recusal_kept before update or delete on case_recusal
    for each row execute function keep_case_recusal();
