-- What became of every message of an alert, frozen when nothing of it can move any more.

create table delivery_report (
    alert_id uuid primary key references alert (id),
    frozen_at timestamptz not null,
    report jsonb not null
);
create trigger delivery_report_append_only before update or delete or truncate on delivery_report
    for each statement execute function refuse_rewrite();

-- The sink keeps letters as their readers see them, and finds what went to one address.
alter table sink_message add column html text not null default '';
create index sink_message_address on sink_message (channel, address, id);

-- The postcode in what a resident wrote as the address.
create function written_cep(address text) returns text language sql immutable as $$
    select replace(substring(address from '[0-9]{5}-?[0-9]{3}'), '-', '')
$$;
create index resident_place_cep on resident_place (written_cep(address_text)) where address_text <> '';

-- Whether a row stayed here because its reader asked for silence about what is as little, or at this hour.
create function kept_by_choice(o outbox) returns boolean language sql immutable as $$
    select o.state = 'suppressed' and o.reason in ('below_least_level', 'quiet_hours')
$$;

-- Whether a row's reader has the message as far as anybody knows. Where two residents share a telephone it rings once, for both.
create function message_reached(o outbox) returns boolean language sql stable as $$
    select o.state in ('accepted', 'delivered')
        or (o.state = 'suppressed' and o.reason = 'duplicate_address' and exists (
            select from outbox other where other.alert_id = o.alert_id and other.channel = o.channel
                and other.address = o.address and other.state in ('accepted', 'delivered')))
$$;
