-- Closed work at stations may be forgotten after its term (`privacy.maintenance_task_days`): the one exception from "nobody can
-- rewrite it", for the owner's function below alone and for whole tasks.
create or replace function refuse_rewrite() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE'
        and (tg_table_name = 'reading_flag' and current_setting('sentinela.drops_month', true) = 'on'
             or tg_table_name = 'maintenance_event' and current_setting('sentinela.forgets_tasks', true) = 'on')
        and pg_has_role(current_user, (select relowner from pg_class where oid = tg_relid), 'usage') then
        return null;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

-- Removes some thousands of tasks closed before then, with what happened to them; tells how many tasks. Refuses an instant of the
-- last year by the database's clock, so that nobody can use it to rewrite what is recent.
create function maintenance_forget(before timestamptz) returns bigint
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    old bigint[];
begin
    if before > now() - interval '1 year' then
        raise exception 'work closed within a year is not forgotten' using errcode = 'restrict_violation';
    end if;
    select array_agg(id) into old from (
        select id from maintenance_task where closed_at < before order by id limit 1000 for update) as due;
    perform set_config('sentinela.forgets_tasks', 'on', true);
    delete from maintenance_event where task_id = any(old);
    perform set_config('sentinela.forgets_tasks', '', true);
    delete from maintenance_task where id = any(old);
    return coalesce(array_length(old, 1), 0);
end $$;
-- src/db/grants.sql lets the service call it.
revoke execute on function maintenance_forget(timestamptz) from public;
