-- An address counts one failure a day at most: three tries of one night say no more than one.
alter table resident_channel add column failed_at timestamptz;
comment on column resident_channel.failed_at is 'When its last failure was counted.';

create or replace function resident_channel_unblock() returns trigger language plpgsql as $$
begin
    new.failures := 0;
    new.failed_at := null;
    new.blocked_at := null;
    new.blocked_reason := null;
    return new;
end
$$;
