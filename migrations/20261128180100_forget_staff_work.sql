-- Who did closed work at stations, and what they wrote, is forgotten after its term (`privacy.maintenance_task_days`); what
-- happened stays. The one exception from "nobody can rewrite it", for the owner's function below alone.
alter table maintenance_task add column names_forgotten boolean not null default false;

create or replace function refuse_rewrite() returns trigger language plpgsql as $$
begin
    if (tg_op = 'DELETE' and tg_table_name = 'reading_flag' and current_setting('sentinela.drops_month', true) = 'on'
        or tg_op = 'UPDATE' and tg_table_name = 'maintenance_event' and current_setting('sentinela.forgets_names', true) = 'on')
        and pg_has_role(current_user, (select relowner from pg_class where oid = tg_relid), 'usage') then
        return null;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

-- Blanks names and free text of some thousands of tasks closed before then; tells of how many. Refuses an instant of the last
-- year by the database's clock, so that nobody can use it to rewrite what is recent.
create function maintenance_forget(before timestamptz) returns bigint
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    old bigint[];
begin
    if before > now() - interval '1 year' then
        raise exception 'work closed within a year is not forgotten' using errcode = 'restrict_violation';
    end if;
    select array_agg(id) into old from (
        select id from maintenance_task where closed_at < before and not names_forgotten order by id limit 1000 for update) as due;
    perform set_config('sentinela.forgets_names', 'on', true);
    -- What the service wrote are facts.
    update maintenance_event set actor = '', detail = '' where task_id = any(old) and (actor <> 'service' or act = 'assigned');
    perform set_config('sentinela.forgets_names', '', true);
    update maintenance_task set closed_by = case when closed_by = 'service' then closed_by else '' end, assigned_to = null,
        names_forgotten = true
    where id = any(old);
    return coalesce(array_length(old, 1), 0);
end $$;
-- src/db/grants.sql lets the service call it.
revoke execute on function maintenance_forget(timestamptz) from public;
