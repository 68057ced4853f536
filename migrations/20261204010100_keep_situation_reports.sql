-- Situation reports (SITREP) of an incident, and what is learnt from it. An approved report stands as it is.
create table situation_report (
    id uuid primary key,
    incident_id uuid not null references incident (id),
    number integer not null constraint situation_report_number_positive check (number > 0),
    state text not null constraint situation_report_state_known check (state in ('draft', 'approved')),
    revision integer not null default 1,
    -- The time that it tells of.
    from_at timestamptz not null,
    until_at timestamptz not null,
    -- Each figure with its value, that of the report before, and where it comes from; src/situation/figures.rs.
    figures jsonb not null,
    situation text not null default '' constraint situation_report_situation_length check (char_length(situation) <= 8000),
    actions text not null default '' constraint situation_report_actions_length check (char_length(actions) <= 8000),
    needs text not null default '' constraint situation_report_needs_length check (char_length(needs) <= 8000),
    -- What residents may read; empty: nothing.
    public_text text not null default '' constraint situation_report_public_length check (char_length(public_text) <= 4000),
    made_at timestamptz not null,
    made_by text not null,
    changed_at timestamptz not null,
    changed_by text not null,
    approved_at timestamptz,
    approved_by text,
    constraint situation_report_number_unique unique (incident_id, number),
    constraint situation_report_span check (until_at >= from_at),
    constraint situation_report_approved_whole check (
        (approved_at is null) = (approved_by is null) and (approved_at is not null) = (state = 'approved'))
);
create unique index situation_report_draft on situation_report (incident_id) where state = 'draft';

create function keep_situation_report() returns trigger language plpgsql as $$
begin
    if old.state = 'approved' then
        raise exception 'situation report % is approved and cannot be rewritten', old.number using errcode = 'restrict_violation';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end $$;
create trigger situation_report_keep before update or delete on situation_report
    for each row execute function keep_situation_report();

create table incident_lesson (
    id uuid primary key,
    incident_id uuid not null references incident (id),
    text text not null constraint incident_lesson_text_length check (char_length(btrim(text)) between 1 and 1000),
    owner text not null constraint incident_lesson_owner_length check (char_length(btrim(owner)) between 1 and 160),
    due_on date not null,
    added_at timestamptz not null,
    added_by text not null,
    done_at timestamptz,
    done_by text,
    done_note text not null default '' constraint incident_lesson_done_note_length check (char_length(done_note) <= 1000),
    constraint incident_lesson_done_whole check ((done_at is null) = (done_by is null))
);
create index incident_lesson_incident on incident_lesson (incident_id, due_on, id);
create index incident_lesson_open on incident_lesson (due_on) where done_at is null;
