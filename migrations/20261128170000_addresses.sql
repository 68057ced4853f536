-- A register of the town's addresses, so that a street with its number says where. It is brought in by `sentinela import addresses`,
-- each source whole, and asked when somebody reports. Nobody lives in it: it holds no names of persons.

-- A street within one neighbourhood. A long street is several of these, which lie beside each other.
create table address_street (
    id bigint primary key,
    source text not null constraint address_street_source_known check (source in ('cnefe', 'own', 'fictional')),
    -- "rua", without accents and never shortened; empty where the source says none.
    kind text not null,
    -- Its name as it is compared: "7 setembro" of "Rua Sete de Setembro" (`addresses::key`).
    key text not null constraint address_street_key_length check (length(key) between 1 and 600),
    words text[] not null,
    -- As it is shown, with its kind.
    name text not null,
    neighbourhood text not null,
    neighbourhood_key text not null,
    ceps text[] not null default '{}',
    middle geometry(Point, 4326) not null,
    -- Metres from the middle within which nearly all of it lies.
    reach_m integer not null constraint address_street_reach_positive check (reach_m > 0),
    -- Its box, in degrees.
    west double precision not null,
    south double precision not null,
    east double precision not null,
    north double precision not null
);
create index address_street_key on address_street (key);
create index address_street_words on address_street using gin (words);
create index address_street_neighbourhood on address_street (neighbourhood_key);
create index address_street_source on address_street (source);

create table address (
    street_id bigint not null references address_street (id) on delete cascade,
    number integer not null constraint address_number_range check (number between 1 and 999999),
    -- "a" of 20-A.
    suffix text not null default '',
    cep text not null constraint address_cep_shape check (cep ~ '^([0-9]{8})?$'),
    geom geometry(Point, 4326) not null,
    accuracy_m integer not null constraint address_accuracy_positive check (accuracy_m > 0),
    primary key (street_id, number, suffix)
);

-- Where the addresses of a CEP lie.
create table address_postcode (
    source text not null,
    cep text not null constraint address_postcode_cep_shape check (cep ~ '^[0-9]{8}$'),
    -- The one street it is of; empty when it is of several.
    street text not null,
    middle geometry(Point, 4326) not null,
    reach_m integer not null constraint address_postcode_reach_positive check (reach_m > 0),
    primary key (cep, source)
);

-- What each source last brought.
create table address_source (
    source text primary key,
    imported_at timestamptz not null,
    streets integer not null,
    addresses integer not null,
    file_sha256 text not null,
    -- Of what was made of the file: another program, town or risk areas make something else of the same one.
    rows_sha256 text not null
);

alter table report
    drop constraint report_place_from_known,
    add constraint report_place_from_known check (place_from in
        ('gps', 'pin', 'coordinates', 'address', 'area', 'resident', 'unknown'));

-- Where a person put an occurrence. The newest counts, before whatever its reports say; the reports stay as they are.
create table occurrence_placing (
    id bigint generated always as identity primary key,
    occurrence_id uuid not null references occurrence (id),
    at timestamptz not null,
    actor text not null,
    geom geometry(Point, 4326) not null,
    precision_m integer not null constraint occurrence_placing_precision_positive check (precision_m >= 0),
    -- The address, or empty for a point.
    label text not null constraint occurrence_placing_label_length check (char_length(label) <= 300)
);
create index occurrence_placing_occurrence on occurrence_placing (occurrence_id, id);
-- A stream that a report spoke to before it was put elsewhere hears nothing of it any more.
alter table report_stream add column speaks boolean not null default true;
-- Counted up when a report is to speak anew, so that what is being brought at that moment does not pass for it.
alter table report_standing add column asked integer not null default 0;
create trigger occurrence_placing_append_only before update or delete or truncate on occurrence_placing
    for each statement execute function refuse_rewrite();
