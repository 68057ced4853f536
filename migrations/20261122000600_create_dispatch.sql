-- One row for each (message, recipient, channel); src/dispatch says how it moves.
create table outbox (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id),
    resident_id uuid not null references resident (id),
    channel text not null constraint outbox_channel_known check (channel in ('sms', 'email')),
    address text not null,
    language text not null default 'pt-BR',
    area_id bigint references risk_area (id),
    -- Why this person is told: lives inside, may live inside (the place is only known to some metres), or was told before.
    basis text not null default 'inside' constraint outbox_basis_known check (basis in ('inside', 'within_precision', 'told_before')),
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
    constraint outbox_message_recipient_unique unique (alert_id, channel, address, resident_id)
);
-- Two residents may share a telephone; it rings once, and the other row is kept as suppressed.
create unique index outbox_one_send on outbox (alert_id, channel, address) where state <> 'suppressed';
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
    -- The telephone the receipt speaks of, as the centre wrote it.
    address text not null default '',
    outbox_id bigint references outbox (id),
    part integer,
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

-- What was promised when an alert left; the auditor compares it with the rows.
create table dispatch_run (
    alert_id uuid primary key references alert (id),
    enqueued_at timestamptz not null,
    -- Null while only the first and most endangered rows of a large audience are written.
    spread_at timestamptz,
    recipients integer not null,
    suppressed integer not null,
    -- Residents inside whom no channel reaches.
    unreachable integer not null
);
create index dispatch_run_spreading on dispatch_run (enqueued_at) where spread_at is null;

-- One process claims for a provider at a time. A lease and not a session lock: a process that hangs keeps its session.
create table dispatch_claimer (
    provider text primary key,
    channel text not null,
    -- Position in the configuration: a later provider works only while no earlier one is healthy.
    place integer not null,
    holder uuid not null,
    lease_until timestamptz not null,
    healthy boolean not null
);

-- Finds the places that may lie inside an area without reading the others: 78,000 m is a degree of longitude at 45°,
-- so the box is never too small nearer the equator.
create index resident_place_reach_gist on resident_place using gist (st_expand(geom, precision_m / 78000.0));

-- The areas of an alert in pieces that an index serves well. `danger`: 0 = R4 … 3 = R1, 4 = no grade. `plane` is the piece in
-- metres at its own latitude (`x`, `y`: metres in a degree): as exact as the places are, and far cheaper than a sphere.
create function alert_pieces(wanted uuid)
returns table (area_id bigint, danger integer, geom geometry, plane geometry, x double precision, y double precision)
language sql stable rows 200 as $$
    with area as materialized (
        select aa.area_id, aa.geom, coalesce(
            (select 4 - right(h.grade, 1)::integer from area_hazard h where h.area_id = aa.area_id and h.cobrade = a.cobrade),
            (select min(4 - right(h.grade, 1)::integer) from area_hazard h where h.area_id = aa.area_id),
            4) as danger
        from alert a join alert_area aa on aa.alert_id = a.id
        where a.id = wanted
    ), part as (
        select area.area_id, area.danger, st_subdivide(area.geom, 64) as geom from area
    )
    select part.area_id, part.danger, part.geom, st_affine(part.geom, m.x, 0, 0, 110574, 0, 0), m.x, 110574
    from part cross join lateral (
        select 111320 * cos(radians((st_ymin(part.geom) + st_ymax(part.geom)) / 2)) as x) as m
    order by part.danger, part.area_id
$$;

-- Whether a place lies in a piece, or so near that the place's own precision allows it ("rather twice than never").
create function place_in_piece(place geometry, precision_m integer, piece geometry, plane geometry, x double precision, y double precision)
returns boolean language sql immutable as $$
    select st_intersects(piece, place)
        or (precision_m > 0 and st_dwithin(plane, st_setsrid(st_makepoint(st_x(place) * x, st_y(place) * y), 4326), precision_m))
$$;

-- Residents with a place in an alert's areas, once each, by the greatest danger.
create function alert_audience(wanted uuid)
returns table (resident_id uuid, area_id bigint, danger integer, basis text)
language sql stable rows 20000 set jit = off as $$
    with piece as materialized (
        select * from alert_pieces(wanted)
    ), hit as (
        select p.resident_id, piece.area_id, piece.danger, st_intersects(piece.geom, p.geom) as inside
        from piece join resident_place p on st_expand(p.geom, p.precision_m / 78000.0) && piece.geom
        where place_in_piece(p.geom, p.precision_m, piece.geom, piece.plane, piece.x, piece.y)
    )
    select distinct on (hit.resident_id) hit.resident_id, hit.area_id, hit.danger,
        case when hit.inside then 'inside' else 'within_precision' end
    from hit
    order by hit.resident_id, hit.danger, hit.inside desc, hit.area_id
$$;

-- One row for each channel of the audience, with '' or the reason why it is not used; a resident without any channel has one
-- row with channel null. What answers an earlier alert also goes to whoever was told of that one.
create function alert_recipients(wanted uuid)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text)
language sql stable rows 20000 set jit = off as $$
    with inside as materialized (
        select * from alert_audience(wanted)
    ), told as (
        select distinct on (o.resident_id) o.resident_id, o.area_id, 4 as danger, 'told_before' as basis
        from alert a join outbox o on o.alert_id = a.references_alert_id
        where a.id = wanted and a.kind <> 'alert' and (o.attempts > 0 or o.state in ('sending', 'accepted', 'unknown', 'delivered'))
        order by o.resident_id, o.priority, o.id
    ), reached as (
        select * from inside
        union all
        select * from told where not exists (select from inside where inside.resident_id = told.resident_id)
    ), channel as (
        select reached.*, r.language, c.kind, c.address, case
            when c.id is null then 'no_channel'
            when c.opted_out_at is not null then 'opted_out'
            when c.verified_at is null then 'unverified'
            else '' end as reason
        from reached join resident r on r.id = reached.resident_id and r.deleted_at is null
            left join resident_channel c on c.resident_id = reached.resident_id
    )
    select c.resident_id, c.kind, c.address, c.language, c.area_id, c.danger, c.basis, case
        when c.reason = '' and row_number() over (partition by c.kind, c.address, c.reason order by c.danger, c.resident_id) > 1
            then 'duplicate_address'
        else c.reason end
    from channel c
$$;

-- What a row's priority starts from: warnings by level, then cancellations, then the end of danger.
create function alert_urgency(kind text, level text) returns integer language sql immutable as $$
    select 10 * case
        when kind in ('alert', 'update') then
            case level when 'maximum' then 0 when 'alert' then 1 when 'attention' then 2 else 3 end
        when kind = 'cancel' then 4
        else 5 end
$$;
