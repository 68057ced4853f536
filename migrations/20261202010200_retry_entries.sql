-- An entry of a list that could not be fetched or kept is asked for again, later and later, for more than a day. Its row says when next;
-- without a time it is done with.
alter table feed_entry
    add column tries integer not null default 0,
    add column retry_at timestamptz,
    add column error_kind text not null default '' constraint feed_entry_error_kind_length check (length(error_kind) <= 40),
    add column error text not null default '' constraint feed_entry_error_length check (length(error) <= 1000);
