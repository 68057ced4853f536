-- Who did what, when, from where and why. Written in the transaction of the act, chained at its commit, never changed.
create table audit_event (
    id uuid primary key,
    at timestamptz not null,
    actor_kind text not null constraint audit_event_actor_kind_known
        check (actor_kind in ('staff', 'device', 'resident', 'rule', 'service', 'command', 'anonymous')),
    -- User name, device code, rule, or the operator of the command line. Never a telephone or an e-mail address.
    actor text not null,
    actor_id uuid,
    via text not null constraint audit_event_via_known check (via in ('console', 'api', 'command', 'mqtt', 'service', 'public')),
    address inet,
    act text not null constraint audit_event_act_shape check (act ~ '^[a-z_]+\.[a-z_]+$'),
    object_kind text not null,
    object text not null,
    reason text not null default '',
    -- What changed; of residents the names of fields, not their values, so that erasing somebody erases them here too.
    before jsonb,
    after jsonb
);
create index audit_event_at on audit_event (at);
create index audit_event_object on audit_event (object_kind, object, at);
create index audit_event_actor on audit_event (actor, at);

-- The chain: `hash` covers the one before, so that no event can be changed, taken out, put in or moved unseen.
create table audit_chain (
    seq bigint primary key,
    event_id uuid not null constraint audit_chain_event_unique unique references audit_event (id),
    previous bytea not null,
    hash bytea not null constraint audit_chain_hash_length check (length(hash) = 32)
);

-- One field of the hashed text: its length in bytes, a colon, the text; a missing one is "-".
create function audit_field(value text) returns text language sql immutable parallel safe as $$
    select coalesce(octet_length(value) || ':' || value, '-')
$$;

-- What is hashed of an event; `audit::chain` in the program builds the same text.
create function audit_text(e audit_event, seq bigint) returns text language sql stable as $$
    select audit_field(seq::text) || audit_field(e.id::text)
        || audit_field(((extract(epoch from e.at) * 1000000)::bigint)::text)
        || audit_field(e.actor_kind) || audit_field(e.actor) || audit_field(e.actor_id::text) || audit_field(e.via)
        || audit_field(host(e.address)) || audit_field(e.act) || audit_field(e.object_kind) || audit_field(e.object)
        || audit_field(e.reason) || audit_field(e.before::text) || audit_field(e.after::text)
$$;

-- Runs when the transaction commits, as its very last step: so the chain is in commit order, and whoever holds the chain's
-- lock waits for nobody else. The owner's rights let it write what the service cannot.
create function chain_audit_event() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    last record;
    next_seq bigint;
    tail bytea;
begin
    perform pg_advisory_xact_lock(1397050965);
    select seq, hash into last from audit_chain order by seq desc limit 1;
    next_seq := coalesce(last.seq, 0) + 1;
    tail := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    insert into audit_chain (seq, event_id, previous, hash)
        values (next_seq, new.id, tail, sha256(tail || convert_to(audit_text(new, next_seq), 'UTF8')));
    return null;
end $$;
create constraint trigger audit_event_chain after insert on audit_event
    deferrable initially deferred for each row execute function chain_audit_event();

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit is append-only: % on % is refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger audit_event_append_only before update or delete or truncate on audit_event
    for each statement execute function refuse_audit_change();
create trigger audit_chain_append_only before update or delete or truncate on audit_chain
    for each statement execute function refuse_audit_change();
