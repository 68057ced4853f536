-- One row for each letter by segment, so that desks see what left, what waits and what did not arrive, without reading whom each
-- publication reached.
create table segment_digest (
    notice_id uuid primary key,
    subscription_id uuid not null references segment_subscription (id),
    at timestamptz not null,
    publications integer not null constraint segment_digest_publications_some check (publications > 0)
);
insert into segment_digest (notice_id, subscription_id, at, publications)
    select notice_id, subscription_id, min(at), count(*) from segment_delivery group by notice_id, subscription_id;
create index segment_digest_at on segment_digest (at desc, notice_id);
create trigger segment_digest_append_only before update or delete or truncate on segment_digest
    for each statement execute function refuse_rewrite();

create index segment_delivery_publication on segment_delivery (publication_id, at);
-- The list of whoever works here, a page at a time.
create index segment_subscription_now on segment_subscription (id desc) where left_at is null;

-- How a letter fares, of the state of its notice; none: the notice was forgotten after its days.
create function segment_outcome(state text) returns text language sql immutable parallel safe as $$
    select case
        when state is null then 'forgotten'
        when state in ('pending', 'sending') then 'waiting'
        when state in ('accepted', 'delivered') then 'sent'
        when state = 'unknown' then 'unknown'
        else 'failed'
    end
$$;
