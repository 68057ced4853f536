-- Codes that a town adds to the classifications of its modules (órgãos, unidades, fontes, naturezas de receita). A row is never rewritten:
-- a later one of the same code goes before it from its day on.
create table classified_node (
    id bigint generated always as identity primary key,
    scheme text not null constraint classified_node_scheme_shape check (scheme ~ '^[a-z_]{1,40}\.[a-z_]{1,40}$'),
    code text not null constraint classified_node_code_shape check (code ~ '^[0-9]+(\.[0-9]+)*$' and char_length(code) <= 60),
    name text not null constraint classified_node_name_length check (char_length(btrim(name)) between 1 and 300),
    valid_from date not null,
    valid_to date,
    import_id uuid not null,
    added_at timestamptz not null,
    added_by text not null,
    constraint classified_node_days_order check (valid_to >= valid_from)
);
create index classified_node_scheme on classified_node (scheme, id);
create trigger classified_node_append_only before update or delete or truncate on classified_node
    for each statement execute function refuse_rewrite();

-- PPA, LDO and LOA. `life` says the state with what led to it (src/secretariat/budget/life.rs), `content` what the law says beside its lines.
create table budget_bill (
    id uuid primary key,
    kind text not null constraint budget_bill_kind_known check (kind in ('ppa', 'ldo', 'loa')),
    year_from integer not null constraint budget_bill_year_range check (year_from between 2000 and 2100),
    year_to integer not null,
    state text not null constraint budget_bill_state_known check (state in ('collecting', 'consolidated', 'heard', 'submitted', 'enacted')),
    life jsonb not null constraint budget_bill_life_object check (jsonb_typeof(life) = 'object'),
    content jsonb not null constraint budget_bill_content_object check (jsonb_typeof(content) = 'object'),
    revision integer not null default 1,
    created_at timestamptz not null,
    created_by text not null,
    changed_at timestamptz not null,
    constraint budget_bill_years_order check (year_to - year_from = case kind when 'ppa' then 3 else 0 end),
    constraint budget_bill_once unique (kind, year_from)
);

create table budget_act (
    id bigint generated always as identity primary key,
    bill_id uuid not null references budget_bill (id),
    at timestamptz not null,
    actor text not null,
    act text not null constraint budget_act_shape check (act ~ '^[a-z_]{1,40}$'),
    reason text not null default '' constraint budget_act_reason_length check (char_length(reason) <= 1000),
    detail jsonb not null default '{}'
);
create index budget_act_bill on budget_act (bill_id, id);
create trigger budget_act_append_only before update or delete or truncate on budget_act
    for each statement execute function refuse_rewrite();

create table budget_proposal (
    bill_id uuid not null references budget_bill (id),
    unit text not null constraint budget_proposal_unit_shape check (unit ~ '^[0-9]{2}\.[0-9]{2,3}$'),
    -- None until the secretariat sets one.
    ceiling bigint constraint budget_proposal_ceiling_range check (ceiling between 0 and 1000000000000000),
    state text not null default 'draft' constraint budget_proposal_state_known check (state in ('draft', 'sent', 'returned')),
    returned_reason text not null default '' constraint budget_proposal_reason_length check (char_length(returned_reason) <= 1000),
    changed_at timestamptz not null,
    changed_by text not null,
    primary key (bill_id, unit)
);

-- Lines of an LOA as they are proposed; from its submission on they stand, and amendments and credits change what they add up to.
create table budget_line (
    bill_id uuid not null references budget_bill (id),
    key text not null constraint budget_line_key_length check (char_length(key) between 20 and 80),
    unit text not null,
    sphere text not null constraint budget_line_sphere_known check (sphere in ('fiscal', 'social_security')),
    amount bigint not null constraint budget_line_amount_range check (amount between 0 and 1000000000000000),
    words text not null default '' constraint budget_line_words_length check (char_length(words) <= 300),
    primary key (bill_id, key)
);
create index budget_line_unit on budget_line (bill_id, unit);

create table budget_revenue (
    bill_id uuid not null references budget_bill (id),
    nature text not null constraint budget_revenue_nature_shape check (nature ~ '^[0-9]+(\.[0-9]+)*$' and char_length(nature) <= 20),
    source text not null constraint budget_revenue_source_shape check (source ~ '^[0-9]{3,10}$'),
    sphere text not null constraint budget_revenue_sphere_known check (sphere in ('fiscal', 'social_security')),
    amount bigint not null constraint budget_revenue_amount_range check (amount between 0 and 1000000000000000),
    words text not null default '' constraint budget_revenue_words_length check (char_length(words) <= 300),
    primary key (bill_id, nature, source)
);

-- Amendments of the council and credits during the year. What is decided of an amendment is a row of its own.
create table budget_change (
    id uuid primary key,
    bill_id uuid not null references budget_bill (id),
    number text not null,
    kind text not null constraint budget_change_kind_known check (kind in ('amendment', 'supplementary', 'special', 'extraordinary')),
    document jsonb not null constraint budget_change_document_object check (jsonb_typeof(document) = 'object'),
    -- What goes up.
    amount bigint not null constraint budget_change_amount_range check (amount between 0 and 1000000000000000),
    added_at timestamptz not null,
    added_by text not null,
    constraint budget_change_number_once unique (bill_id, kind, number)
);
create index budget_change_bill on budget_change (bill_id, added_at, id);
create trigger budget_change_append_only before update or delete or truncate on budget_change
    for each statement execute function refuse_rewrite();

create table budget_decision (
    change_id uuid primary key references budget_change (id),
    taken boolean not null,
    reason text not null constraint budget_decision_reason_length check (char_length(btrim(reason)) between 1 and 1000),
    at timestamptz not null,
    by text not null
);
create trigger budget_decision_append_only before update or delete or truncate on budget_decision
    for each statement execute function refuse_rewrite();

create table budget_import (
    id uuid primary key,
    bill_id uuid not null references budget_bill (id),
    sha256 bytea not null constraint budget_import_sha256_length check (octet_length(sha256) = 32),
    mapping jsonb not null,
    good integer not null,
    known integer not null,
    -- The rows that were not taken, with line and column: the first of them.
    bad jsonb not null constraint budget_import_bad_array check (jsonb_typeof(bad) = 'array'),
    bad_count integer not null,
    at timestamptz not null,
    by text not null
);
create index budget_import_bill on budget_import (bill_id, at desc, id);
create trigger budget_import_append_only before update or delete or truncate on budget_import
    for each statement execute function refuse_rewrite();

create table budget_execution (
    bill_id uuid not null references budget_bill (id),
    key text not null,
    day date not null,
    document text not null constraint budget_execution_document_length check (char_length(document) between 1 and 60),
    committed bigint not null,
    annulled bigint not null,
    settled bigint not null,
    paid bigint not null,
    import_id uuid not null references budget_import (id),
    primary key (bill_id, key, day, document),
    constraint budget_execution_amounts_range check (least(committed, annulled, settled, paid) >= 0
        and greatest(committed, annulled, settled, paid) <= 1000000000000000)
);
create trigger budget_execution_append_only before update or delete or truncate on budget_execution
    for each statement execute function refuse_rewrite();

-- The sums of the rows above by line, so that a page need not add them up. Paid is within settled, settled within what stands committed.
create table budget_executed (
    bill_id uuid not null references budget_bill (id),
    key text not null,
    committed bigint not null,
    annulled bigint not null,
    settled bigint not null,
    paid bigint not null,
    primary key (bill_id, key),
    constraint budget_executed_stages_order check (paid <= settled and settled <= committed - annulled and paid >= 0)
);

create table budget_date_rule (
    id uuid primary key,
    document jsonb not null constraint budget_date_rule_document_object check (jsonb_typeof(document) = 'object'),
    reason text not null constraint budget_date_rule_reason_length check (char_length(btrim(reason)) between 1 and 1000),
    added_at timestamptz not null,
    added_by text not null
);
create trigger budget_date_rule_append_only before update or delete or truncate on budget_date_rule
    for each statement execute function refuse_rewrite();

-- What the public reads: the newest row of a bill.
create table budget_publication (
    id bigint generated always as identity primary key,
    bill_id uuid not null references budget_bill (id),
    kind text not null,
    year_from integer not null,
    year_to integer not null,
    at timestamptz not null,
    snapshot jsonb not null constraint budget_publication_snapshot_object check (jsonb_typeof(snapshot) = 'object')
);
create index budget_publication_newest on budget_publication (bill_id, id desc);
create index budget_publication_year on budget_publication (kind, year_from, id desc);
create trigger budget_publication_append_only before update or delete or truncate on budget_publication
    for each statement execute function refuse_rewrite();
