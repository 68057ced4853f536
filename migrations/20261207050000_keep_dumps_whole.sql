-- pg_dump writes a schema that is read back with an empty search path. Two places of ours were found only through that path, so a dump
-- of this database could be neither restored nor carried to a newer PostgreSQL by pg_upgrade.

-- The words of a case: the same, naming the schema of the function it calls.
create or replace function case_search(words text, module text) returns tsvector language sql immutable strict parallel safe as $$
    select to_tsvector('portuguese'::regconfig, words) || to_tsvector('portuguese'::regconfig, public.fold_words(words))
        || array_to_tsvector(array['§' || module])
$$;

-- `is distinct from` looks up the equality of geometries by path and has no way to name it; bytes have one of the system's own.
drop trigger occurrence_tell_changed on occurrence;
create constraint trigger occurrence_tell_changed after update on occurrence deferrable initially deferred
    for each row when (old.number <> new.number or old.kind <> new.kind or old.cobrade is distinct from new.cobrade
        or old.state <> new.state or old.priority <> new.priority or old.neighbourhood <> new.neighbourhood
        or st_asbinary(old.public_geom) is distinct from st_asbinary(new.public_geom)
        or old.incident_id is distinct from new.incident_id or old.merged_into is distinct from new.merged_into)
    execute function tell_of_occurrence();
