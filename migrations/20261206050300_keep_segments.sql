-- Who asked for messages about segments. Nothing leaves before the mailbox itself confirmed (double opt-in); whoever leaves is forgotten
-- but for the times, and a request that nobody confirms is removed.
create table segment_subscription (
    id uuid primary key,
    -- None: they left.
    email text constraint segment_subscription_email_length check (char_length(email) between 3 and 254),
    -- What is sent; changed by a confirmation only.
    tags text[] not null default '{}' constraint segment_subscription_tags_count check (cardinality(tags) <= 40),
    -- What was asked for and waits for its confirmation.
    wanted text[] not null default '{}' constraint segment_subscription_wanted_count check (cardinality(wanted) <= 40),
    language text not null constraint segment_subscription_language_known check (language in ('pt-BR', 'en')),
    asked_at timestamptz not null,
    confirmed_at timestamptz,
    left_at timestamptz,
    -- Publications until then were looked at.
    looked_at timestamptz,
    constraint segment_subscription_left check ((email is null) = (left_at is not null)),
    constraint segment_subscription_looked check ((confirmed_at is null) = (looked_at is null))
);
create unique index segment_subscription_email on segment_subscription (lower(email)) where left_at is null;
create index segment_subscription_due on segment_subscription (looked_at, id) where left_at is null and confirmed_at is not null;
create index segment_subscription_unconfirmed on segment_subscription (asked_at) where confirmed_at is null;

-- What was handed to the dispatchers for whom: each publication once.
create table segment_delivery (
    subscription_id uuid not null references segment_subscription (id),
    publication_id uuid not null references case_publication (id),
    at timestamptz not null,
    notice_id uuid not null,
    constraint segment_delivery_pkey primary key (subscription_id, publication_id)
);
create index segment_delivery_at on segment_delivery (at desc, subscription_id);
create trigger segment_delivery_append_only before update or delete or truncate on segment_delivery
    for each statement execute function refuse_rewrite();
