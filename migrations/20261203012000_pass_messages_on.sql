-- A message that a provider refused again and again, with words that nobody knows, is the next provider's: what one of them does not
-- understand may be its own trouble.
alter table outbox
    -- Providers that gave it up; none of them takes it again.
    add column refused_by text[] not null default '{}';
-- A provider that rests looks for these alone.
create index outbox_passed_on on outbox (channel, priority, id) where state = 'pending' and refused_by <> '{}';
