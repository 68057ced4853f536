-- Residents who subscribe by themselves: on the public page, or by SMS with a CEP. And what they want to hear, and when.

alter table resident_place
    -- When the place is known by its CEP alone; eight digits.
    add column cep text constraint resident_place_cep_shape check (cep ~ '^[0-9]{8}$'),
    -- How many people live there with this contact, themselves among them; who they are is nobody's business.
    add column people smallint not null default 1 constraint resident_place_people_range check (people between 1 and 50);
create index resident_place_cep_given on resident_place (cep) where cep is not null;

alter table resident
    -- Below this level nothing is sent. Alert and maximum always are.
    add column least_level text not null default 'observation' constraint resident_least_level_known
        check (least_level in ('observation', 'attention', 'alert')),
    -- Hours in which what is below alert is not sent, by the clock of `quiet_zone`; they may run over midnight.
    add column quiet_from time,
    add column quiet_until time,
    add column quiet_zone text,
    add constraint resident_quiet_whole check (num_nonnulls(quiet_from, quiet_until, quiet_zone) in (0, 3)
        and (quiet_from is null or quiet_from <> quiet_until)),
    -- Kinds of help; of the words themselves only the vault knows. Written while the consent to it stands.
    add column needs text[] not null default '{}' constraint resident_needs_known
        check (needs <@ array['mobility', 'care', 'hearing', 'sight', 'pets', 'children', 'elderly']::text[]
            and cardinality(needs) <= 7);
-- Counted before an alert leaves: few have any.
create index resident_needs_some on resident (id) where needs <> '{}';

-- A clock that the server does not know is refused where it is written, never when an alert leaves.
create function check_resident_preferences() returns trigger language plpgsql as $$
begin
    if new.quiet_zone is not null then
        perform now() at time zone new.quiet_zone;
    end if;
    if new.needs <> '{}' and not coalesce((
            select c.given from consent c where c.resident_id = new.id and c.purpose = 'needs' order by c.id desc limit 1), false) then
        raise exception 'resident %: needs are kept only while the consent to it stands', new.id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger resident_check_preferences before insert or update of quiet_zone, needs on resident
    for each row execute function check_resident_preferences();

-- As before, and needs go with the consent to them.
create or replace function follow_consent() returns trigger language plpgsql as $$
begin
    if new.purpose = 'alerts' then
        update resident set alerts_withdrawn_at = case when new.given then null else new.at end
            where id = new.resident_id and alerts_withdrawn_at is distinct from case when new.given then null else new.at end;
    elsif new.purpose = 'needs' and not new.given then
        update resident set needs = '{}' where id = new.resident_id and needs <> '{}';
    end if;
    return null;
end $$;

-- As before, and a try that was under way when its telephone or mailbox was closed is the last one too.
create or replace function end_tries_of_withdrawn() returns trigger language plpgsql as $$
begin
    if exists (select from resident r
               where r.id = new.resident_id and (r.deleted_at is not null or r.alerts_withdrawn_at is not null)) then
        new.state := 'suppressed';
        new.reason := 'consent_withdrawn';
        new.final_at := coalesce(new.next_attempt_at, now());
    elsif exists (select from resident_channel c
                  where c.resident_id = new.resident_id and c.kind = new.channel and c.address = new.address
                    and c.opted_out_at >= new.created_at) then
        new.state := 'suppressed';
        new.reason := 'opted_out';
        new.final_at := coalesce(new.next_attempt_at, now());
    end if;
    return new;
end $$;

-- A subscription that waits for the code or the link that was sent. Nobody is reached by it before.
create table resident_signup (
    code_id uuid primary key references resident_code (id) on delete cascade,
    -- What was filled in, under the ring `service`: "resident_signup.sealed:CODE".
    sealed bytea not null,
    created_at timestamptz not null,
    -- Of the link in an e-mail; the code itself is good for less.
    expires_at timestamptz not null,
    used_at timestamptz
);
create index resident_signup_expires on resident_signup (expires_at);

-- What telephones told the service to do, and what came of it. Whose they are tells only a keyed sum.
create table sms_order (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    sender bytea not null constraint sms_order_sender_length check (length(sender) = 16),
    -- Of the words: the same order that comes twice is one.
    digest bytea not null constraint sms_order_digest_length check (length(digest) = 16),
    what text not null constraint sms_order_what_known check (what in
        ('subscribe', 'list', 'leave', 'leave_all', 'help', 'unclear', 'wrong_cep')),
    -- What was decided: "subscribed", "unknown_cep", "left", "too_many" and so on.
    result text not null constraint sms_order_result_shape check (result ~ '^[a-z][a-z_]{0,39}$')
);
create index sms_order_sender on sms_order (sender, id);
create index sms_order_at on sms_order (at);
