-- What tells institutions is claimed apart from other notices, before rows of alerts.
create index notice_institution_due on notice (channel, next_attempt_at) where state = 'pending' and purpose = 'institution';

-- When a message was accepted, or failed for good: the next contact's time counts from there.
alter table institution_message add column settled_at timestamptz;
create or replace function follow_notice_of_institution() returns trigger language plpgsql as $$
begin
    update institution_message set state = new.state, settled_at = coalesce(settled_at, new.final_at) where notice_id = new.id;
    return null;
end $$;
