-- What was published of cases is chained too: a link with each snapshot as it went out, and one more when it is withdrawn.
create trigger case_publication_chain after insert or update on case_publication
    for each row execute function chain_kept_row('case', 'case_id', 'id');

-- What stands here from before is covered now, in the order of its making.
create function chain_what_was_published() returns void language plpgsql
    set search_path = public, pg_temp set timezone = 'UTC' set bytea_output = 'hex' as $$
declare
    one record;
begin
    for one in select t.case_id as subject, t.id::text as key, to_jsonb(t) as value from case_publication t order by t.case_id, t.seq loop
        perform chain_row('case', one.subject, 'case_publication', one.key, one.value);
    end loop;
end $$;
select chain_what_was_published();
drop function chain_what_was_published();
