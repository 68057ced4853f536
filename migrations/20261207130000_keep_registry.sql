-- The registry: organisations, persons and places, each once, whoever of the secretariat's modules wrote of it. Of a person the CPF is never
-- here in clear: a keyed sum finds it, a seal of the vault's ring gives it back, and its middle digits are what pages show
-- (Lei 12.527/2011, art. 31; Lei 13.709/2018).
create table registry_entry (
    id uuid primary key,
    kind text not null constraint registry_entry_kind_known check (kind in ('organisation', 'person', 'place')),
    name text not null constraint registry_entry_name_length check (char_length(btrim(name)) between 1 and 200),
    short_name text not null default '' constraint registry_entry_short_name_length check (char_length(short_name) <= 60),
    nature text not null default '' constraint registry_entry_nature_known
        check (nature in ('', 'civil_society', 'company', 'public_body', 'press', 'other')),
    cnpj text constraint registry_entry_cnpj_shape check (cnpj ~ '^[0-9A-Z]{12}[0-9]{2}$'),
    cpf_sum bytea constraint registry_entry_cpf_sum_length check (length(cpf_sum) = 16),
    cpf_sealed bytea constraint registry_entry_cpf_sealed_length check (length(cpf_sealed) between 30 and 400),
    cpf_masked text not null default '' constraint registry_entry_cpf_masked_shape check (cpf_masked ~ '^(\*{3}\.[0-9]{3}\.[0-9]{3}-\*{2})?$'),
    address text not null default '' constraint registry_entry_address_length check (char_length(address) <= 300),
    longitude double precision constraint registry_entry_longitude_range check (longitude between -180 and 180),
    latitude double precision constraint registry_entry_latitude_range check (latitude between -90 and 90),
    access text not null constraint registry_entry_access_known check (access in ('public', 'internal', 'restricted')),
    -- The role that reads a restricted one, beside whoever wrote it down.
    reserved_to text not null default '' constraint registry_entry_reserved_to_shape check (reserved_to ~ '^[a-z_]{0,40}$'),
    -- The entry that this one was found to be. Its links stay with it, so that it can be taken apart again.
    merged_into uuid references registry_entry (id),
    opened_at timestamptz not null,
    opened_by text not null,
    changed_at timestamptz not null,
    revision integer not null default 1 constraint registry_entry_revision_positive check (revision > 0),
    search tsvector not null generated always as (to_tsvector('portuguese'::regconfig, name || ' ' || short_name || ' ' || address)) stored,
    constraint registry_entry_cnpj_unique unique (cnpj),
    constraint registry_entry_cpf_unique unique (cpf_sum),
    constraint registry_entry_cnpj_of_organisation check (cnpj is null or kind = 'organisation'),
    constraint registry_entry_nature_of_organisation check ((nature <> '') = (kind = 'organisation')),
    -- Written down whole, or (of a file of another installation) by its middle digits alone.
    constraint registry_entry_cpf_whole check (num_nonnulls(cpf_sum, cpf_sealed) in (0, 2)
        and (cpf_sum is null or cpf_masked <> '') and (cpf_masked = '' or kind = 'person')),
    constraint registry_entry_point_whole check (num_nonnulls(longitude, latitude) in (0, 2) and (longitude is null or kind = 'place')),
    -- Persons are named to nobody outside.
    constraint registry_entry_person_not_public check (kind <> 'person' or access <> 'public'),
    constraint registry_entry_reserved_whole check ((access = 'restricted') = (reserved_to <> '')),
    constraint registry_entry_not_itself check (merged_into is distinct from id)
);
create index registry_entry_search on registry_entry using gin (search);
create index registry_entry_merged on registry_entry (merged_into) where merged_into is not null;

-- An entry keeps what it is and whoever wrote it down; each act moves its revision by one.
create function keep_registry_entry() returns trigger language plpgsql as $$
begin
    if (new.id, new.kind, new.opened_at, new.opened_by) is distinct from (old.id, old.kind, old.opened_at, old.opened_by)
        or new.revision not in (old.revision, old.revision + 1) then
        raise exception 'an entry of the registry keeps its kind and origin' using errcode = 'restrict_violation';
    end if;
    if new.merged_into is not null and exists (select from registry_entry e where e.id = new.merged_into
            and (e.merged_into is not null or e.kind <> new.kind)) then
        raise exception 'an entry becomes one of its kind that is none other' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger registry_entry_kept before update on registry_entry for each row execute function keep_registry_entry();

-- What is known to reach somebody, with the consent that it rests on; withdrawn, what reaches them is erased (Lei 13.709/2018, art. 8, § 5,
-- and art. 16), and that there was a consent stays.
create table registry_contact (
    id uuid primary key,
    entry_id uuid not null references registry_entry (id),
    channel text not null constraint registry_contact_channel_known check (channel in ('email', 'phone', 'postal')),
    value text constraint registry_contact_value_length check (char_length(btrim(value)) between 3 and 300),
    purpose text not null constraint registry_contact_purpose_length check (char_length(btrim(purpose)) between 3 and 300),
    given_on date not null,
    given_by text not null,
    withdrawn_on date,
    withdrawn_by text,
    constraint registry_contact_withdrawn_whole check (num_nonnulls(withdrawn_on, withdrawn_by) in (0, 2)),
    constraint registry_contact_erased check ((value is null) = (withdrawn_on is not null)),
    constraint registry_contact_order check (withdrawn_on >= given_on)
);
create index registry_contact_of on registry_contact (entry_id, id);

-- Where an entry stands: as partner of an instrument, in a seat, as an outlet, in a field of a case.
create table registry_link (
    entry_id uuid not null references registry_entry (id),
    subject_kind text not null constraint registry_link_subject_known check (subject_kind in ('instrument', 'body_person', 'press_outlet', 'case')),
    subject_id uuid not null,
    role text not null constraint registry_link_role_shape check (role ~ '^[a-z0-9_]{1,60}$'),
    made_at timestamptz not null,
    made_by text not null,
    constraint registry_link_pkey primary key (entry_id, subject_kind, subject_id, role)
);
create index registry_link_subject on registry_link (subject_kind, subject_id);
