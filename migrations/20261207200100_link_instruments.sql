-- A case refers to agreements, funding and projects beside other cases.
create table case_instrument (
    case_id uuid not null references case_file (id),
    instrument_id uuid not null references instrument (id),
    at timestamptz not null,
    actor text not null,
    constraint case_instrument_pkey primary key (case_id, instrument_id)
);
create index case_instrument_of on case_instrument (instrument_id, case_id);
create trigger case_instrument_append_only before update or delete or truncate on case_instrument
    for each statement execute function refuse_rewrite();
