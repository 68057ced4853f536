-- What people of the field see of a building, and what they forbid. A row is what was sent from a telephone, once and whole; who
-- corrects it sends another that stands in its place. Names and signatures lie sealed in the vault.
create table inspection (
    id uuid primary key,
    -- Of its year, without gaps.
    number text not null constraint inspection_number_unique unique constraint inspection_number_shape check (number ~ '^[0-9]{4}/[0-9]{3,}$'),
    -- Made on the device, so that what is sent again is known.
    device_key uuid not null constraint inspection_device_key_unique unique,
    -- The one that this corrects; each is corrected once, by the next.
    supersedes uuid constraint inspection_supersedes_unique unique references inspection (id),
    correction_reason text not null default '' constraint inspection_correction_reason_length check (char_length(correction_reason) <= 500),
    occurrence_id uuid references occurrence (id),
    incident_id uuid references incident (id),
    -- When it was made, by the service's clock; by how many seconds the device's clock was behind it.
    observed_at timestamptz not null,
    clock_offset_s integer not null default 0,
    received_at timestamptz not null,
    inspector_id uuid not null references staff (id),
    inspector text not null,
    -- Registry of an engineer or architect (CREA, CAU); empty when an agent without one looked.
    registry text not null default '' constraint inspection_registry_length check (char_length(registry) <= 40),
    geom geometry(Point, 4326),
    accuracy_m real constraint inspection_accuracy_range check (accuracy_m between 0 and 100000),
    street text not null constraint inspection_street_length check (char_length(btrim(street)) between 1 and 160),
    house_number text not null default '' constraint inspection_house_number_length check (char_length(house_number) <= 20),
    complement text not null default '' constraint inspection_complement_length check (char_length(complement) <= 120),
    neighbourhood text not null default '' constraint inspection_neighbourhood_length check (char_length(neighbourhood) <= 120),
    -- The words of FIDE 6.2 (habitacional, saúde, ensino, prestação de outros serviços, uso comunitário, infraestrutura pública), and of 7.2
    -- (agricultura, pecuária, indústria, comércio, serviços privados).
    building text not null constraint inspection_building_known check (building in
        ('housing', 'health', 'education', 'services', 'community', 'infrastructure',
         'agriculture', 'livestock', 'industry', 'commerce', 'private_services', 'other')),
    -- Whose it is.
    ownership text not null constraint inspection_ownership_known check (ownership in ('public', 'private')),
    -- Units of that kind in it: homes of a house with several.
    units integer not null default 1 constraint inspection_units_range check (units between 1 and 2000),
    damage text not null constraint inspection_damage_known check (damage in ('none', 'damaged', 'destroyed')),
    estimated_loss_centavos bigint constraint inspection_loss_range check (estimated_loss_centavos between 0 and 100000000000000),
    -- Persons, in the words of FIDE 6.1. Null = nobody said; it is not nought.
    residents integer constraint inspection_residents_range check (residents between 0 and 20000),
    displaced integer constraint inspection_displaced_range check (displaced between 0 and 20000),
    homeless integer constraint inspection_homeless_range check (homeless between 0 and 20000),
    dead integer constraint inspection_dead_range check (dead between 0 and 20000),
    injured integer constraint inspection_injured_range check (injured between 0 and 20000),
    ill integer constraint inspection_ill_range check (ill between 0 and 20000),
    missing integer constraint inspection_missing_range check (missing between 0 and 20000),
    other_affected integer constraint inspection_other_affected_range check (other_affected between 0 and 20000),
    risk text constraint inspection_risk_known check (risk in ('R1', 'R2', 'R3', 'R4')),
    -- Version of the checklist, and what was answered, as {question: answer}.
    form text not null constraint inspection_form_length check (char_length(form) between 1 and 40),
    answers jsonb not null constraint inspection_answers_object check (jsonb_typeof(answers) = 'object'),
    -- What the rule of the form says of the answers, with its reasons.
    suggested_risk text constraint inspection_suggested_risk_known check (suggested_risk in ('R1', 'R2', 'R3', 'R4')),
    suggested_reasons jsonb not null default '[]',
    opinion text not null default '' constraint inspection_opinion_length check (char_length(opinion) <= 4000),
    recommendation text not null default '' constraint inspection_recommendation_length check (char_length(recommendation) <= 4000),
    inspect_again_by date,
    constraint inspection_order check (observed_at <= received_at),
    constraint inspection_correction_whole check ((supersedes is null) = (btrim(correction_reason) = '')),
    constraint inspection_accuracy_of_place check (geom is not null or accuracy_m is null)
);
create index inspection_received on inspection (received_at desc, id desc);
create index inspection_occurrence on inspection (occurrence_id) where occurrence_id is not null;
create index inspection_incident on inspection (incident_id) where incident_id is not null;
create index inspection_again on inspection (inspect_again_by) where inspect_again_by is not null;
create index inspection_inspector on inspection (inspector_id, received_at desc);
create trigger inspection_append_only before update or delete or truncate on inspection
    for each statement execute function refuse_rewrite();

-- Photographs that were taken, as the device announced them: what it shows, when, from where and in which direction. The picture itself comes
-- after, as an attachment.
create table inspection_photograph (
    id uuid primary key,
    inspection_id uuid not null references inspection (id),
    device_key uuid not null constraint inspection_photograph_device_key_unique unique,
    position integer not null constraint inspection_photograph_position_range check (position between 0 and 99),
    caption text not null default '' constraint inspection_photograph_caption_length check (char_length(caption) <= 300),
    taken_at timestamptz not null,
    geom geometry(Point, 4326),
    accuracy_m real constraint inspection_photograph_accuracy_range check (accuracy_m between 0 and 100000),
    -- Where the camera looked: degrees from true or magnetic north, clockwise.
    bearing_deg smallint constraint inspection_photograph_bearing_range check (bearing_deg between 0 and 359),
    constraint inspection_photograph_place unique (inspection_id, position),
    constraint inspection_photograph_accuracy_of_place check (geom is not null or accuracy_m is null)
);
create trigger inspection_photograph_append_only before update or delete or truncate on inspection_photograph
    for each statement execute function refuse_rewrite();

alter table attachment
    add column inspection_photograph_id uuid constraint attachment_inspection_photograph_once unique references inspection_photograph (id),
    drop constraint attachment_belongs,
    add constraint attachment_belongs check (num_nonnulls(incident_id, report_id, inspection_photograph_id) = 1);
create or replace function keep_attachment() returns trigger language plpgsql as $$
begin
    if old.removed_at is not null or new.removed_at is null
        or (new.id, new.seq, new.kind, new.incident_id, new.report_id, new.inspection_photograph_id, new.media_type, new.sha256, new.bytes,
            new.width, new.height, new.caption, new.uploaded_by, new.created_at)
        is distinct from (old.id, old.seq, old.kind, old.incident_id, old.report_id, old.inspection_photograph_id, old.media_type, old.sha256,
            old.bytes, old.width, old.height, old.caption, old.uploaded_by, old.created_at) then
        raise exception 'attachment only allows a removal' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;

-- What counts: the last of each chain of corrections, with the incident it belongs to, also by way of its occurrence.
create view inspection_standing as
select i.*, coalesce(i.incident_id, o.incident_id) as of_incident_id
from inspection i left join occurrence o on o.id = i.occurrence_id
where not exists (select from inspection n where n.supersedes = i.id);

-- A building, or a part of it, that nobody may use. Its term is signed by whoever is there, or a witness says that they refused.
create table interdiction (
    id uuid primary key,
    number text not null constraint interdiction_number_unique unique constraint interdiction_number_shape check (number ~ '^[0-9]{4}/[0-9]{3,}$'),
    device_key uuid not null constraint interdiction_device_key_unique unique,
    inspection_id uuid not null references inspection (id),
    at timestamptz not null,
    received_at timestamptz not null,
    actor_id uuid not null references staff (id),
    actor text not null,
    -- Of the engineer or architect who answers for it (CREA, CAU).
    registry text not null default '' constraint interdiction_registry_length check (char_length(registry) <= 40),
    scope text not null constraint interdiction_scope_known check (scope in ('partial', 'total')),
    -- Which part; of a partial one.
    part text not null default '' constraint interdiction_part_length check (char_length(part) <= 200),
    ownership text not null constraint interdiction_ownership_known check (ownership in ('public', 'private')),
    reason text not null constraint interdiction_reason_length check (char_length(btrim(reason)) between 1 and 2000),
    apparent_damage text not null default '' constraint interdiction_apparent_damage_length check (char_length(apparent_damage) <= 2000),
    -- Until when the building must be left, or mended.
    deadline date,
    -- How, where and until when one may object.
    appeal text not null default '' constraint interdiction_appeal_length check (char_length(appeal) <= 1000),
    -- As the public may know it: no number and no name.
    public_street text not null constraint interdiction_public_street_length check (char_length(public_street) <= 160),
    neighbourhood text not null default '' constraint interdiction_neighbourhood_length check (char_length(neighbourhood) <= 120),
    signer_role text not null constraint interdiction_signer_role_known check (signer_role in ('owner', 'tenant', 'resident', 'manager', 'other')),
    proof text not null constraint interdiction_proof_known check (proof in ('signature', 'refused')),
    state text not null default 'active' constraint interdiction_state_known check (state in ('active', 'released')),
    released_at timestamptz,
    released_by text,
    release_reason text,
    release_key uuid constraint interdiction_release_key_unique unique,
    -- The inspection that found it safe again, if there was one.
    release_inspection_id uuid references inspection (id),
    constraint interdiction_order check (at <= received_at),
    constraint interdiction_part_when_partial check ((scope = 'partial') = (btrim(part) <> '')),
    constraint interdiction_released_whole check (case when state = 'released'
        then num_nulls(released_at, released_by, release_reason, release_key) = 0 and char_length(btrim(release_reason)) between 1 and 2000
        else num_nonnulls(released_at, released_by, release_reason, release_key, release_inspection_id) = 0 end)
);
create index interdiction_inspection on interdiction (inspection_id);
create index interdiction_active on interdiction (at desc, id desc) where state = 'active';
create function keep_interdiction() returns trigger language plpgsql as $$
begin
    if old.state = 'released' or new.state <> 'released'
        or to_jsonb(new) - array['state', 'released_at', 'released_by', 'release_reason', 'release_key', 'release_inspection_id']
        is distinct from to_jsonb(old) - array['state', 'released_at', 'released_by', 'release_reason', 'release_key', 'release_inspection_id'] then
        raise exception 'interdiction only allows a release' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger interdiction_only_released before update on interdiction for each row execute function keep_interdiction();
create trigger interdiction_append_only before delete or truncate on interdiction for each statement execute function refuse_rewrite();

-- What a device sent, by the key it made: the same again is answered as the first time, anything else under that key is refused.
create table field_sent (
    device_key uuid primary key,
    account_id uuid not null references staff (id),
    kind text not null constraint field_sent_kind_known check (kind in
        ('inspection', 'photograph', 'interdiction', 'release', 'task', 'occurrence')),
    at timestamptz not null,
    -- Field → sum of what it held, so that it can be said what differs; keyed where people are named.
    sums jsonb not null,
    -- What was answered.
    answer jsonb not null
);
create trigger field_sent_append_only before update or delete or truncate on field_sent
    for each statement execute function refuse_rewrite();

alter table vault_record drop constraint vault_record_purpose_known;
alter table vault_record add constraint vault_record_purpose_known check (purpose in ('whistleblower', 'shelter_health', 'resident_needs',
    'sheltered_person', 'aid_receipt', 'resident_household', 'interdiction_term'));
