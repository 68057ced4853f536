-- Messages to one person that are no alerts: invitations, password resets, one-time codes. Sent by the dispatcher after every
-- alert that is due; src/dispatch/notices.rs says how.
create table notice (
    id uuid primary key,
    channel text not null constraint notice_channel_known check (channel in ('sms', 'email')),
    address text not null,
    -- What it is for, e.g. "resident_code": limits are counted by it.
    purpose text not null constraint notice_purpose_shape check (purpose ~ '^[a-z][a-z0-9_]{0,39}$'),
    -- Both hold secrets (codes, links) and are emptied as soon as nothing is left to send.
    subject text not null,
    body text not null,
    state text not null constraint notice_state_known check (state in
        ('pending', 'sending', 'accepted', 'unknown', 'delivered', 'rejected', 'expired', 'suppressed')),
    reason text not null default '',
    attempts integer not null default 0,
    -- Leases that ended without an answer. After the first it is sent once more, after the second nobody knows.
    lost integer not null default 0,
    next_attempt_at timestamptz not null,
    expires_at timestamptz not null,
    provider text,
    lease_until timestamptz,
    fence bigint not null default 0,
    created_at timestamptz not null,
    final_at timestamptz,
    constraint notice_final_empty check (state in ('pending', 'sending') or (subject = '' and body = ''))
);
create index notice_due on notice (channel, next_attempt_at) where state = 'pending';
create index notice_leased on notice (lease_until) where state = 'sending';
create index notice_address on notice (channel, address, created_at);
create index notice_created on notice (created_at);

-- Without a provider a notice goes where alerts go: to the sink.
alter table sink_message alter column outbox_id drop not null;
alter table sink_message add column notice_id uuid constraint sink_message_notice_unique unique references notice (id) on delete cascade;
alter table sink_message add constraint sink_message_origin_one check (num_nonnulls(outbox_id, notice_id) = 1);
