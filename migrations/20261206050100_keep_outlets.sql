-- Outlets of the press that get releases by e-mail. The list is for whoever works with the press only.
create table press_outlet (
    id uuid primary key,
    name text not null constraint press_outlet_name_length check (char_length(btrim(name)) between 1 and 160),
    contact text not null default '' constraint press_outlet_contact_length check (char_length(contact) <= 160),
    email text not null constraint press_outlet_email_length check (char_length(email) between 3 and 254),
    -- Only releases with one of these; none: all of them.
    tags text[] not null default '{}' constraint press_outlet_tags_count check (cardinality(tags) <= 20),
    added_at timestamptz not null,
    added_by text not null,
    removed_at timestamptz,
    removed_by text,
    constraint press_outlet_removed_whole check (num_nonnulls(removed_at, removed_by) in (0, 2))
);
create unique index press_outlet_email on press_outlet (lower(email)) where removed_at is null;

-- What was handed to the dispatchers for whom. A release leaves once for each outlet, a correction is another publication.
create table press_delivery (
    publication_id uuid not null references case_publication (id),
    outlet_id uuid not null references press_outlet (id),
    at timestamptz not null,
    notice_id uuid not null,
    constraint press_delivery_pkey primary key (publication_id, outlet_id)
);
create index press_delivery_outlet on press_delivery (outlet_id, at desc);
create trigger press_delivery_append_only before update or delete or truncate on press_delivery
    for each statement execute function refuse_rewrite();

-- Publications whose distribution is over, so that the worker looks at none twice; an outlet that comes later gets no old ones.
create table press_distributed (
    publication_id uuid primary key references case_publication (id),
    at timestamptz not null,
    outlets integer not null constraint press_distributed_outlets_range check (outlets >= 0)
);
create trigger press_distributed_append_only before update or delete or truncate on press_distributed
    for each statement execute function refuse_rewrite();
