-- What residents changed or removed themselves is newer than an older list: an import leaves it as it is.
alter table resident add column corrected_at timestamptz;

-- A try that was under way when its resident took the consent back, or was erased, is the last one.
create function end_tries_of_withdrawn() returns trigger language plpgsql as $$
begin
    if exists (select from resident r
               where r.id = new.resident_id and (r.deleted_at is not null or r.alerts_withdrawn_at is not null)) then
        new.state := 'suppressed';
        new.reason := 'consent_withdrawn';
        new.final_at := coalesce(new.next_attempt_at, now());
    end if;
    return new;
end $$;
create trigger outbox_withdrawn before update of state on outbox for each row
    when (old.state = 'sending' and new.state = 'pending') execute function end_tries_of_withdrawn();
