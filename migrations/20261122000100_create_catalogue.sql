-- What is known about the ground: where instruments stand, what they measure, which areas are at risk, who lives there.
create extension if not exists postgis;

create table station (
    id bigint generated always as identity primary key,
    code text not null constraint station_code_unique unique
        constraint station_code_shape check (code ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$'),
    name text not null constraint station_name_length check (length(name) between 1 and 200),
    geom geometry(Point, 4326) not null,
    elevation_m double precision,
    source text not null default '',
    active boolean not null default true,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index station_geom_gist on station using gist (geom);

-- One measured quantity at one station (OGC SensorThings "Datastream").
create table datastream (
    id bigint generated always as identity primary key,
    station_id bigint not null references station (id),
    name text not null constraint datastream_name_shape check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    quantity text not null constraint datastream_quantity_known check (quantity in
        ('rain', 'water_level', 'flow', 'air_temperature', 'relative_humidity', 'wind_speed', 'wind_gust', 'soil_moisture', 'battery')),
    unit text not null,
    kind text not null constraint datastream_kind_known check (kind in ('interval_sum', 'instantaneous', 'cumulative_counter')),
    -- The span one interval sum covers; null when the device does not say.
    interval_s integer constraint datastream_interval_positive check (interval_s > 0),
    -- After this long without a receipt the stream is silent, and what depends on it is unknown.
    stale_after_s integer not null constraint datastream_stale_positive check (stale_after_s > 0),
    created_at timestamptz not null,
    constraint datastream_station_name_unique unique (station_id, name)
);

create table device (
    id bigint generated always as identity primary key,
    code text not null constraint device_code_unique unique
        constraint device_code_shape check (code ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$'),
    station_id bigint not null references station (id),
    -- SHA-256 over "code NUL secret". Secrets are machine-made with 128 bits or more, so a slow hash would buy nothing.
    secret_sha256 bytea not null constraint device_secret_length check (length(secret_sha256) = 32),
    enabled boolean not null default true,
    online boolean not null default false,
    last_seen_at timestamptz,
    created_at timestamptz not null
);

create table risk_area (
    id bigint generated always as identity primary key,
    code text not null constraint risk_area_code_unique unique
        constraint risk_area_code_shape check (code ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$'),
    name text not null constraint risk_area_name_length check (length(name) between 1 and 200),
    geom geometry(MultiPolygon, 4326) not null constraint risk_area_geom_valid check (st_isvalid(geom)),
    source text not null default '',
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index risk_area_geom_gist on risk_area using gist (geom);

-- A level is kept for each of these pairs.
create table area_hazard (
    area_id bigint not null references risk_area (id) on delete cascade,
    cobrade text not null constraint area_hazard_cobrade_shape check (cobrade ~ '^[12]\.[0-9]\.[0-9]\.[0-9]\.[0-9]$'),
    grade text not null constraint area_hazard_grade_known check (grade in ('R1', 'R2', 'R3', 'R4')),
    primary key (area_id, cobrade)
);

create table resident (
    id uuid primary key,
    -- The importer's own key, so that an import can be run again.
    external_ref text constraint resident_external_ref_unique unique,
    name text not null default '',
    language text not null default 'pt-BR' constraint resident_language_known check (language in ('pt-BR', 'en', 'es')),
    consent_at timestamptz not null,
    consent_source text not null,
    fictional boolean not null default false,
    created_at timestamptz not null,
    deleted_at timestamptz
);

create table resident_place (
    id bigint generated always as identity primary key,
    resident_id uuid not null references resident (id) on delete cascade,
    label text not null default 'home',
    geom geometry(Point, 4326) not null,
    -- How far the point may be from the true door (address 30, CEP 300, pin 10).
    precision_m integer not null default 50 constraint resident_place_precision_positive check (precision_m >= 0),
    constraint resident_place_label_unique unique (resident_id, label)
);
create index resident_place_geom_gist on resident_place using gist (geom);

create table resident_channel (
    id bigint generated always as identity primary key,
    resident_id uuid not null references resident (id) on delete cascade,
    kind text not null constraint resident_channel_kind_known check (kind in ('sms', 'email')),
    address text not null,
    verified_at timestamptz,
    opted_out_at timestamptz,
    constraint resident_channel_address_unique unique (resident_id, kind, address)
);
create index resident_channel_address on resident_channel (kind, address);
