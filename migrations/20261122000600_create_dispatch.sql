-- One row for each (message, recipient, channel); src/dispatch says how it moves.
create table outbox (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id),
    resident_id uuid not null references resident (id),
    channel text not null constraint outbox_channel_known check (channel in ('sms', 'email')),
    address text not null,
    language text not null default 'pt-BR',
    area_id bigint references risk_area (id),
    -- Smaller goes first: (kind and level of the alert, danger of the place).
    priority integer not null,
    state text not null constraint outbox_state_known check (state in
        ('pending', 'sending', 'accepted', 'unknown', 'delivered', 'rejected', 'undelivered', 'expired', 'suppressed')),
    reason text not null default '',
    attempts integer not null default 0,
    next_attempt_at timestamptz not null,
    expires_at timestamptz not null,
    provider text,
    lease_until timestamptz,
    -- Rises with each claim; whoever completes must hold the newest.
    fence bigint not null default 0,
    provider_message_id text,
    accepted_at timestamptz,
    final_at timestamptz,
    created_at timestamptz not null,
    constraint outbox_message_recipient_unique unique (alert_id, channel, address)
);
create index outbox_due on outbox (channel, priority, id) where state = 'pending';
create index outbox_leased on outbox (lease_until) where state = 'sending';
create index outbox_provider_message on outbox (provider, provider_message_id) where provider_message_id is not null;
create index outbox_alert_state on outbox (alert_id, channel, state);

create table outbox_attempt (
    outbox_id bigint not null references outbox (id) on delete cascade,
    attempt integer not null,
    part integer not null default 1,
    at timestamptz not null,
    provider text not null,
    outcome text not null,
    code text not null default '',
    detail text not null default '',
    provider_message_id text
);
create index outbox_attempt_row on outbox_attempt (outbox_id, attempt);
create index outbox_attempt_message on outbox_attempt (provider, provider_message_id) where provider_message_id is not null;

-- Receipts are stored raw before they are acknowledged, and matched afterwards.
create table delivery_receipt (
    id bigint generated always as identity primary key,
    provider text not null,
    received_at timestamptz not null,
    raw bytea not null,
    provider_message_id text not null,
    status text not null,
    outbox_id bigint references outbox (id),
    matched_at timestamptz
);
create index delivery_receipt_unmatched on delivery_receipt (provider, provider_message_id) where outbox_id is null;

-- Where messages go while no provider is configured; /console/outbox shows them.
create table sink_message (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    channel text not null,
    address text not null,
    subject text not null default '',
    body text not null,
    outbox_id bigint not null constraint sink_message_outbox_unique unique references outbox (id)
);
