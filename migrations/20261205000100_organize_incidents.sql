-- Who holds which position of the incident command system (SCI), from when to when. A position that one person holds has one holder at a time.
create table incident_position (
    id uuid primary key,
    incident_id uuid not null references incident (id),
    position text not null constraint incident_position_known check (position in ('commander', 'deputy', 'safety', 'liaison', 'public_information', 'operations',
        'staging', 'branch', 'division', 'group', 'planning', 'resources_unit', 'situation_unit', 'documentation_unit', 'logistics', 'communications_unit',
        'medical_unit', 'food_unit', 'supply_unit', 'finance', 'time_unit', 'procurement_unit')),
    -- Name of a branch, division or group; empty for all others.
    unit text not null default '' constraint incident_position_unit_length check (char_length(unit) <= 80),
    -- Name of the branch that a division or group is part of; empty: none.
    under text not null default '' constraint incident_position_under_length check (char_length(under) <= 80),
    -- Of the register, where the holder is in it.
    resource_id uuid references resource (id),
    name text not null constraint incident_position_name_length check (char_length(btrim(name)) between 1 and 120),
    from_at timestamptz not null,
    from_by text not null,
    until_at timestamptz,
    until_by text,
    constraint incident_position_unit_when check ((position in ('branch', 'division', 'group')) = (btrim(unit) <> '')),
    constraint incident_position_under_when check (under = '' or position in ('division', 'group')),
    constraint incident_position_until_whole check ((until_at is null) = (until_by is null)),
    constraint incident_position_span check (until_at >= from_at)
);
create unique index incident_position_one on incident_position (incident_id, position, lower(unit)) where until_at is null;
create index incident_position_incident on incident_position (incident_id, from_at);

create function only_end_position() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.until_at is not null
        or (to_jsonb(old) - '{until_at,until_by}'::text[]) is distinct from (to_jsonb(new) - '{until_at,until_by}'::text[]) then
        raise exception 'incident_position_kept: who held a position is ended once and never rewritten'
            using errcode = 'check_violation', constraint = 'incident_position_kept';
    end if;
    return new;
end $$;
create trigger incident_position_kept before update or delete on incident_position for each row execute function only_end_position();
