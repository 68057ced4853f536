-- Who wrote words of a situation report: somebody else approves it, unless nobody else may.
alter table situation_report add column authors uuid[] not null default '{}';
-- The only person there was, said with the approval.
alter table situation_report add column approved_alone boolean not null default false;
update situation_report r set authors = array[s.id] from staff s where r.state = 'draft' and s.username = r.changed_by;

-- Whoever plays a part in an exercise is in no shelter that stands open for people who lost their home, nor the other way round.
create function guard_stay_drill() returns trigger language plpgsql as $$
begin
    if new.opening_id is not null and (
        select incident_is_drill(o.incident_id) is distinct from incident_is_drill(h.incident_id)
        from shelter_opening o, displaced_person p join household h on h.id = p.household_id
        where o.id = new.opening_id and p.id = new.person_id) then
        raise exception 'stay_drill: a person of an exercise and a shelter of what happens, or the other way round'
            using errcode = 'check_violation', constraint = 'stay_drill';
    end if;
    return new;
end $$;
create trigger stay_guard_drill before insert on stay for each row execute function guard_stay_drill();
