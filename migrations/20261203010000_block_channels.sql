-- Ways to residents that lead nowhere any more: a number that is no subscriber's, a mailbox that is gone. Whoever goes on writing to
-- them pays for nothing and is taken for a sender of spam. src/residents/store/blocked.rs says when one is blocked.
alter table resident_channel
    -- Failures in a row that were the address's own fault.
    add column failures integer not null default 0,
    add column blocked_at timestamptz,
    add column blocked_reason text,
    add constraint resident_channel_block_whole check ((blocked_at is null) = (blocked_reason is null));
create index resident_channel_failing on resident_channel (kind, address) where failures > 0;

-- Whoever confirms an address again has received something there, however the confirmation came about.
create function resident_channel_unblock() returns trigger language plpgsql as $$
begin
    new.failures := 0;
    new.blocked_at := null;
    new.blocked_reason := null;
    return new;
end
$$;
create trigger resident_channel_confirm before update of verified_at on resident_channel
    for each row when (new.verified_at is not null and new.verified_at is distinct from old.verified_at)
    execute function resident_channel_unblock();

-- What a receipt says of the cause, as its sender wrote it, and whether that is the address itself.
alter table delivery_receipt
    add column error text not null default '',
    add column is_dead_address boolean not null default false;

comment on column dispatch_claimer.place is
    'The priority of the configuration: a provider rests while one of a smaller number is healthy; equal ones share the work.';
