-- Cases of the secretariat. What a case may do stands in its type, a file (config/secretariat/cases); the text of each version that was
-- used is kept here, so that a case goes on under the version it began with.
alter table deadline drop constraint deadline_link_shape;
alter table deadline add constraint deadline_link_shape
    check (link ~ '^/(console|secretaria)/[A-Za-z0-9/_-]{1,200}$');

create table case_type (
    key text not null constraint case_type_key_shape check (key ~ '^[a-z_]+\.[a-z0-9_]+$' and char_length(key) <= 80),
    version integer not null constraint case_type_version_positive check (version > 0),
    sha256 bytea not null constraint case_type_sha256_length check (length(sha256) = 32),
    text text not null constraint case_type_text_length check (char_length(text) between 1 and 200000),
    kept_at timestamptz not null,
    constraint case_type_pkey primary key (key, version)
);
create trigger case_type_append_only before update or delete or truncate on case_type
    for each statement execute function refuse_rewrite();

create table case_file (
    -- Version 7: the order of the ids is the order of opening.
    id uuid primary key,
    type_key text not null,
    type_version integer not null,
    module text not null constraint case_file_module_shape check (module ~ '^[a-z_]{1,40}$'),
    -- Number in a series and a year of the town, without gaps; none until the type says so.
    series text constraint case_file_series_shape check (series ~ '^[A-Z0-9-]{1,20}$'),
    year integer constraint case_file_year_range check (year between 1900 and 2200),
    number integer constraint case_file_number_positive check (number > 0),
    title text not null constraint case_file_title_length check (char_length(btrim(title)) between 1 and 300),
    state text not null constraint case_file_state_shape check (state ~ '^[a-z0-9_]{1,60}$'),
    is_final boolean not null,
    waits_for text constraint case_file_waits_known check (waits_for in ('mayor', 'owner', 'citizen', 'area')),
    fields jsonb not null constraint case_file_fields_object check (jsonb_typeof(fields) = 'object'),
    department text not null default '' constraint case_file_department_length check (char_length(department) <= 160),
    -- User name of whoever works on it.
    assigned text not null default '' constraint case_file_assigned_length check (char_length(assigned) <= 64),
    access text not null constraint case_file_access_known check (access in ('internal', 'restricted', 'public')),
    author text not null,
    source text not null constraint case_file_source_known check (source in ('staff', 'citizen', 'service')),
    -- Of the code by which somebody without an account follows it.
    code_hash bytea constraint case_file_code_hash_length check (length(code_hash) = 32),
    opened_at timestamptz not null,
    changed_at timestamptz not null,
    revision integer not null default 1 constraint case_file_revision_positive check (revision > 0),
    annulled_at timestamptz,
    annulled_by text,
    annulled_reason text constraint case_file_annulled_reason_length check (char_length(btrim(annulled_reason)) between 1 and 1000),
    -- What is searched: number, title and every field that is not personal.
    words text not null constraint case_file_words_length check (char_length(words) <= 60000),
    search tsvector not null generated always as (to_tsvector('portuguese'::regconfig, words)) stored,
    constraint case_file_type_kept foreign key (type_key, type_version) references case_type (key, version),
    constraint case_file_number_whole check (num_nonnulls(series, year, number) in (0, 3)),
    constraint case_file_number_unique unique (series, year, number),
    constraint case_file_annulled_whole check (num_nonnulls(annulled_at, annulled_by, annulled_reason) in (0, 3)
        and (annulled_at is null or is_final))
);
create index case_file_queue on case_file (module, id desc);
create index case_file_open on case_file (module, id desc) where not is_final;
create index case_file_state on case_file (module, state, id desc);
create index case_file_type on case_file (type_key, state, id desc);
create index case_file_assigned on case_file (assigned, id desc) where not is_final;
create index case_file_author on case_file (author, id desc);
create index case_file_waits on case_file (waits_for, id) where not is_final and waits_for is not null;
create unique index case_file_code on case_file (code_hash) where code_hash is not null;
create index case_file_search on case_file using gin (search);

-- What was done, each act chained to the one before it.
create table case_act (
    case_id uuid not null references case_file (id),
    seq integer not null constraint case_act_seq_positive check (seq > 0),
    at timestamptz not null,
    actor text not null,
    actor_kind text not null,
    act text not null constraint case_act_act_shape check (act ~ '^[a-z0-9_]{1,60}$'),
    from_state text not null,
    to_state text not null,
    reason text not null default '' constraint case_act_reason_length check (char_length(reason) <= 1000),
    -- {"field": [before, after]}; of what is personal only that it changed.
    changes jsonb not null default '{}',
    prev bytea constraint case_act_prev_length check (length(prev) = 32),
    hash bytea not null constraint case_act_hash_length check (length(hash) = 32),
    constraint case_act_pkey primary key (case_id, seq),
    constraint case_act_chained check ((prev is null) = (seq = 1))
);
create index case_act_at on case_act (at);
create trigger case_act_append_only before update or delete or truncate on case_act
    for each statement execute function refuse_rewrite();

create table case_document (
    id uuid primary key,
    case_id uuid not null references case_file (id),
    kind text not null constraint case_document_kind_shape check (kind ~ '^[a-z0-9_]{1,60}$'),
    version integer not null constraint case_document_version_positive check (version > 0),
    name text not null constraint case_document_name_length check (char_length(btrim(name)) between 1 and 200),
    media_type text not null constraint case_document_media_type_length check (char_length(media_type) between 3 and 100),
    bytes bytea not null constraint case_document_bytes_size check (length(bytes) between 1 and 10485760),
    sha256 bytea not null constraint case_document_sha256_length check (length(sha256) = 32),
    -- A draft is read by whoever works on the case, and by nobody else (LAI art. 7 §3).
    draft boolean not null,
    added_at timestamptz not null,
    added_by text not null,
    constraint case_document_version_unique unique (case_id, kind, version)
);
create trigger case_document_append_only before update or delete or truncate on case_document
    for each statement execute function refuse_rewrite();

create table case_link (
    from_case uuid not null references case_file (id),
    to_case uuid not null references case_file (id),
    kind text not null constraint case_link_kind_known check (kind in ('parent', 'spawned', 'refers')),
    at timestamptz not null,
    actor text not null,
    constraint case_link_pkey primary key (from_case, to_case, kind),
    constraint case_link_other check (from_case <> to_case)
);
create index case_link_to on case_link (to_case, kind);
create trigger case_link_append_only before update or delete or truncate on case_link
    for each statement execute function refuse_rewrite();

-- What the public reads: a snapshot by allow-list. A correction is another row; nothing is overwritten.
create table case_publication (
    id uuid primary key,
    case_id uuid not null references case_file (id),
    module text not null,
    type_key text not null,
    seq integer not null constraint case_publication_seq_positive check (seq > 0),
    corrects uuid references case_publication (id),
    snapshot jsonb not null constraint case_publication_snapshot_object check (jsonb_typeof(snapshot) = 'object'),
    sha256 bytea not null constraint case_publication_sha256_length check (length(sha256) = 32),
    published_at timestamptz not null,
    published_by text not null,
    -- Nobody outside reads it before.
    embargo_until timestamptz,
    withdrawn_at timestamptz,
    withdrawn_by text,
    withdrawn_reason text constraint case_publication_withdrawn_reason_length
        check (char_length(btrim(withdrawn_reason)) between 1 and 1000),
    constraint case_publication_seq_unique unique (case_id, seq),
    constraint case_publication_corrects_unique unique (corrects),
    constraint case_publication_chained check ((corrects is null) = (seq = 1)),
    constraint case_publication_withdrawn_whole check (num_nonnulls(withdrawn_at, withdrawn_by, withdrawn_reason) in (0, 3))
);
create index case_publication_newest on case_publication (module, published_at desc, id desc) where withdrawn_at is null;
create function keep_case_publication() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.withdrawn_at is not null
        or (to_jsonb(new) - '{withdrawn_at,withdrawn_by,withdrawn_reason}'::text[])
            <> (to_jsonb(old) - '{withdrawn_at,withdrawn_by,withdrawn_reason}'::text[]) then
        raise exception 'a publication is withdrawn once and never rewritten';
    end if;
    return new;
end $$;
create trigger case_publication_kept before update or delete on case_publication
    for each row execute function keep_case_publication();
