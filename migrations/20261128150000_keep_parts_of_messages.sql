-- A person's message in several parts, from its first part until it is read. Parts come in any order, twice, over any session, and
-- survive a restart. What is read is kept a while, so that a part that comes again is known.
create table sms_message (
    id bigint generated always as identity primary key,
    source text not null,
    destination text not null,
    reference integer not null,
    total smallint not null constraint sms_message_total_range check (total between 2 and 255),
    -- When its newest part came.
    last_at timestamptz not null,
    -- When it was read, whole or not.
    read_at timestamptz
);
create index sms_message_key on sms_message (source, destination, reference, total);
create index sms_message_waiting on sms_message (last_at) where read_at is null;

create table sms_part (
    message_id bigint not null references sms_message (id) on delete cascade,
    number smallint not null constraint sms_part_number_range check (number between 1 and 255),
    data_coding smallint not null,
    octets bytea not null,
    primary key (message_id, number)
);
