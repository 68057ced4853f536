-- Damage and losses of a disaster (FIDE and its documents): one dossier an incident, in versions. What was submitted stands as it is; a
-- correction is the next version.
create table disaster (
    id uuid primary key,
    incident_id uuid not null references incident (id),
    version integer not null constraint disaster_version_positive check (version > 0),
    -- The version that this one corrects, and why.
    corrects uuid constraint disaster_corrects_unique unique references disaster (id),
    correction_reason text not null default '' constraint disaster_correction_length check (char_length(correction_reason) <= 1000),
    -- The incident is exercised and not real; every document says so.
    drill boolean not null,
    cobrade text not null constraint disaster_cobrade_shape check (cobrade ~ '^[0-9](\.[0-9]){4}$'),
    occurred_at timestamptz not null,
    onset text not null constraint disaster_onset_known check (onset in ('sudden', 'gradual')),
    state text not null default 'open' constraint disaster_state_known check (state in ('open', 'submitted', 'recognised', 'refused', 'archived')),
    revision integer not null default 1,
    -- FIDE 1, 4, 5, 8, 9 and the words of 6 and 7; src/damage/sections.rs says the form.
    sections jsonb not null default '{}',
    level text constraint disaster_level_known check (level in ('i', 'ii', 'iii')),
    declared text constraint disaster_declared_known check (declared in ('se', 'ecp')),
    -- What was answered, what the criteria led to, and under which norm.
    level_detail jsonb not null default '{}',
    level_reason text not null default '' constraint disaster_level_reason_length check (char_length(level_reason) <= 1000),
    level_at timestamptz,
    level_by text,
    -- Of the mayor's office.
    decree_number text not null default '' constraint disaster_decree_number_length check (char_length(decree_number) <= 40),
    decree_on date,
    opened_at timestamptz not null,
    opened_by text not null,
    changed_at timestamptz not null,
    changed_by text not null,
    submitted_at timestamptz,
    submitted_by text,
    -- Figures with their sources, sums, filled words and deadlines, as they were submitted.
    frozen jsonb,
    pdf bytea,
    pdf_sha256 bytea constraint disaster_pdf_sha256_length check (length(pdf_sha256) = 32),
    -- Number of the request in S2iD.
    protocol text not null default '' constraint disaster_protocol_length check (char_length(protocol) <= 60),
    decided_at timestamptz,
    decided_by text,
    -- The act of recognition, or why it was refused or archived.
    decision text not null default '' constraint disaster_decision_length check (char_length(decision) <= 1000),
    constraint disaster_version_unique unique (incident_id, version),
    constraint disaster_correction_whole check ((corrects is null) = (version = 1) and (corrects is null) = (btrim(correction_reason) = '')),
    constraint disaster_ecp_only_level_iii check (declared is distinct from 'ecp' or level is not distinct from 'iii'),
    constraint disaster_level_whole check (num_nonnulls(level, declared, level_at, level_by) in (0, 4)),
    constraint disaster_decree_whole check ((decree_number = '') = (decree_on is null)),
    constraint disaster_submitted_whole check (num_nonnulls(submitted_at, submitted_by, frozen, pdf, pdf_sha256) in (0, 5)
        and (state in ('open', 'archived') or submitted_at is not null) and (state <> 'open' or submitted_at is null)),
    constraint disaster_decided_whole check ((decided_at is null) = (decided_by is null)
        and (decided_at is not null) = (state in ('recognised', 'refused', 'archived')))
);
create unique index disaster_open on disaster (incident_id) where state = 'open';
create index disaster_newest on disaster (opened_at desc, id);

create function keep_disaster() returns trigger language plpgsql as $$
declare
    first record;
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
    if (new.cobrade, new.occurred_at) is distinct from (old.cobrade, old.occurred_at) and (old.state <> 'open' or old.version > 1) then
        raise exception 'COBRADE and time of a disaster stand as they were submitted' using errcode = 'restrict_violation';
    end if;
    if old.state <> 'open' and to_jsonb(new) - array['state', 'protocol', 'decided_at', 'decided_by', 'decision', 'pdf']
            is distinct from to_jsonb(old) - array['state', 'protocol', 'decided_at', 'decided_by', 'decision', 'pdf']
        or old.state <> 'open' and new.pdf is distinct from old.pdf
        or old.state in ('recognised', 'archived') and to_jsonb(new) - 'pdf' is distinct from to_jsonb(old) - 'pdf'
        or old.state <> 'open' and new.state = 'open' then
        raise exception 'the dossier is % and stands as it is', old.state using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger disaster_keep before insert or update or delete on disaster for each row execute function keep_disaster();

-- Refuses whatever would change an open dossier's parts once it is not open. Every part has disaster_id.
create function only_while_open() returns trigger language plpgsql as $$
declare
    stands text;
begin
    if tg_op = 'DELETE' then
        select state into stands from disaster where id = old.disaster_id for share;
    else
        select state into stands from disaster where id = new.disaster_id for share;
    end if;
    if stands is distinct from 'open' then
        raise exception 'the dossier is % and takes no more', stands using errcode = 'restrict_violation';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end $$;

-- What a department says of its own damage and losses.
create table damage_declaration (
    id uuid primary key,
    disaster_id uuid not null references disaster (id),
    department text not null constraint damage_declaration_department_known check (department in
        ('health', 'education', 'works', 'agriculture', 'social', 'environment', 'finance', 'transport', 'sanitation', 'security', 'economy', 'other')),
    -- Who answers for it, with registry (matrícula), and the document that it rests on.
    person text not null constraint damage_declaration_person_length check (char_length(btrim(person)) between 1 and 160),
    registry text not null default '' constraint damage_declaration_registry_length check (char_length(registry) <= 40),
    document text not null constraint damage_declaration_document_length check (char_length(btrim(document)) between 1 and 300),
    words text not null default '' constraint damage_declaration_words_length check (char_length(words) <= 4000),
    -- [{line, amount, note}, …]
    lines jsonb not null constraint damage_declaration_lines_array check (jsonb_typeof(lines) = 'array' and jsonb_array_length(lines) between 1 and 34),
    at timestamptz not null,
    staff_id uuid references staff (id),
    actor text not null,
    state text not null default 'sent' constraint damage_declaration_state_known check (state in ('sent', 'adopted', 'returned')),
    answered_at timestamptz,
    answered_by text,
    answer text not null default '' constraint damage_declaration_answer_length check (char_length(answer) <= 1000),
    constraint damage_declaration_answered_whole check ((answered_at is null) = (answered_by is null)
        and (answered_at is not null) = (state <> 'sent') and (state <> 'returned' or btrim(answer) <> ''))
);
create index damage_declaration_disaster on damage_declaration (disaster_id, at);
create index damage_declaration_staff on damage_declaration (staff_id, at desc);
create function keep_declaration() returns trigger language plpgsql as $$
begin
    if old.state <> 'sent' or to_jsonb(new) - array['state', 'answered_at', 'answered_by', 'answer']
            is distinct from to_jsonb(old) - array['state', 'answered_at', 'answered_by', 'answer'] then
        raise exception 'a declaration stands as it was sent; it is answered once' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger damage_declaration_keep before update on damage_declaration for each row execute function keep_declaration();
create trigger damage_declaration_open before insert or update or delete on damage_declaration for each row execute function only_while_open();

create table damage_attachment (
    id uuid primary key,
    declaration_id uuid not null references damage_declaration (id),
    name text not null constraint damage_attachment_name_length check (char_length(btrim(name)) between 1 and 160),
    media_type text not null constraint damage_attachment_type_known check (media_type in ('application/pdf', 'image/jpeg')),
    sha256 bytea not null constraint damage_attachment_sha256_length check (length(sha256) = 32),
    content bytea not null constraint damage_attachment_content_size check (octet_length(content) between 1 and 10485760)
);
create index damage_attachment_declaration on damage_attachment (declaration_id);
create trigger damage_attachment_append_only before update or delete or truncate on damage_attachment
    for each statement execute function refuse_rewrite();

-- The ledger of figures: each entry with its source. An entry is never changed; it ends, with who and why.
create table damage_entry (
    id uuid primary key,
    disaster_id uuid not null references disaster (id),
    line text not null,
    part text not null constraint damage_entry_part_known check (part in ('human', 'material', 'environmental', 'public_loss', 'private_loss')),
    source text not null constraint damage_entry_source_known check (source in ('inspection', 'shelters', 'declaration', 'manual')),
    persons bigint constraint damage_entry_persons_range check (persons between 0 and 20000000),
    damaged bigint constraint damage_entry_damaged_range check (damaged between 0 and 20000000),
    destroyed bigint constraint damage_entry_destroyed_range check (destroyed between 0 and 20000000),
    centavos bigint constraint damage_entry_centavos_range check (centavos between 0 and 100000000000000),
    inspection_id uuid references inspection (id),
    counted_at timestamptz,
    declaration_id uuid references damage_declaration (id),
    because text not null default '' constraint damage_entry_because_length check (char_length(because) <= 1000),
    at timestamptz not null,
    actor text not null,
    constraint damage_entry_counts check (case part
        when 'material' then persons is null and num_nonnulls(damaged, destroyed, centavos) > 0
        when 'human' then persons is not null and num_nonnulls(damaged, destroyed, centavos) = 0
        when 'environmental' then persons is not null and num_nonnulls(damaged, destroyed, centavos) = 0
        else centavos is not null and num_nonnulls(persons, damaged, destroyed) = 0 end),
    constraint damage_entry_source_whole check (
        (source = 'inspection') = (inspection_id is not null) and (source = 'shelters') = (counted_at is not null)
        and (source = 'declaration') = (declaration_id is not null) and (source <> 'manual' or btrim(because) <> '')),
    constraint damage_entry_shelters_lines check (source <> 'shelters' or line in ('homeless', 'displaced'))
);
create index damage_entry_disaster on damage_entry (disaster_id, line);
create table damage_entry_end (
    entry_id uuid primary key references damage_entry (id),
    disaster_id uuid not null references disaster (id),
    at timestamptz not null,
    actor text not null,
    reason text not null constraint damage_entry_end_reason_length check (char_length(btrim(reason)) between 1 and 1000)
);
create index damage_entry_end_disaster on damage_entry_end (disaster_id);
create trigger damage_entry_append_only before update or delete or truncate on damage_entry
    for each statement execute function refuse_rewrite();
create trigger damage_entry_end_append_only before update or delete or truncate on damage_entry_end
    for each statement execute function refuse_rewrite();
create trigger damage_entry_open before insert on damage_entry for each row execute function only_while_open();
create trigger damage_entry_end_open before insert on damage_entry_end for each row execute function only_while_open();

-- Whoever writes: one inspection or one declaration counts once in a line, and the shelters once.
create function count_once() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('damage ' || new.disaster_id || new.line, 0));
    if new.source <> 'manual' and exists (
        select from damage_entry e where e.disaster_id = new.disaster_id and e.line = new.line and e.source = new.source
            and e.inspection_id is not distinct from new.inspection_id and e.declaration_id is not distinct from new.declaration_id
            and not exists (select from damage_entry_end d where d.entry_id = e.id)) then
        raise exception 'line % counts this % already', new.line, new.source using errcode = 'unique_violation', constraint = 'damage_entry_once';
    end if;
    return new;
end $$;
create trigger damage_entry_once before insert on damage_entry for each row execute function count_once();

create view damage_entry_standing as
select e.* from damage_entry e where not exists (select from damage_entry_end d where d.entry_id = e.id);

-- Documents with words: DMATE, parecer, decree and ofício.
create table damage_document (
    disaster_id uuid not null references disaster (id),
    kind text not null constraint damage_document_kind_known check (kind in ('dmate', 'parecer', 'decree', 'oficio')),
    revision integer not null default 1,
    -- [{key, title, text}, …], with places such as {cobrade} that printing fills.
    paragraphs jsonb not null constraint damage_document_paragraphs_array check (jsonb_typeof(paragraphs) = 'array'),
    state text not null default 'draft' constraint damage_document_state_known check (state in ('draft', 'adopted')),
    -- "2026/003" of its series; of the decree the mayor's office's own.
    number text not null default '' constraint damage_document_number_length check (char_length(number) <= 40),
    changed_at timestamptz not null,
    changed_by text not null,
    adopted_at timestamptz,
    adopted_by text,
    primary key (disaster_id, kind),
    constraint damage_document_adopted_whole check ((adopted_at is null) = (adopted_by is null) and (adopted_at is not null) = (state = 'adopted')
        and (state = 'draft' or number <> ''))
);
create trigger damage_document_open before insert or update or delete on damage_document for each row execute function only_while_open();
-- The same COBRADE in every document by construction: none holds one. An adopted document stands until it is taken back.
create function keep_damage_document() returns trigger language plpgsql as $$
begin
    if old.state = 'adopted' and new.state = 'adopted' then
        raise exception 'the document % is adopted and stands as it is', old.kind using errcode = 'restrict_violation';
    end if;
    if old.number <> '' and new.number <> old.number and old.kind <> 'decree' then
        raise exception 'the number % of a document is not given away', old.number using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger damage_document_keep before update on damage_document for each row execute function keep_damage_document();

-- The photographs of the report: chosen from the incident's and its inspections'.
create table damage_photograph (
    disaster_id uuid not null references disaster (id),
    attachment_id uuid not null references attachment (id),
    position integer not null constraint damage_photograph_position_range check (position between 0 and 999),
    caption text not null default '' constraint damage_photograph_caption_length check (char_length(caption) <= 300),
    taken_at timestamptz,
    geom geometry(Point, 4326),
    chosen_at timestamptz not null,
    chosen_by text not null,
    primary key (disaster_id, attachment_id)
);
create trigger damage_photograph_open before insert or update or delete on damage_photograph for each row execute function only_while_open();

-- A department of the town declares, and sees nothing else of the console.
alter table staff drop constraint staff_roles_known;
alter table staff add constraint staff_roles_known check (roles <@ array[
    'viewer', 'field_agent', 'operator', 'approver', 'coordinator', 'administrator', 'auditor', 'privacy_officer', 'department',
    'representation', 'advisory', 'coordination', 'relations', 'legislative', 'ethics', 'transparency', 'participation',
    'service_evaluation', 'committees', 'agreements', 'strategic_projects', 'sic', 'ombudsman', 'outreach', 'segments',
    'service_charter', 'media_monitoring', 'press', 'funding', 'budget', 'assignments', 'news']);
