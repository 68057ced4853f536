-- The network address that a report of the public came from, as a keyed sum of it and the day, so that many invented names behind
-- one address are not taken for many witnesses. Null where no address was seen: staff, SMS, e-mail.
alter table report add column origin bytea constraint report_origin_length check (length(origin) = 16);
create index report_origin on report (origin, received_at) where origin is not null;

-- Which reports a person had before them when they confirmed an occurrence: only those count whole.
alter table occurrence add column confirmed_at timestamptz;
update occurrence set confirmed_at = decided_at where state in ('confirmed', 'closed');
