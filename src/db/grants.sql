-- What the service may do, asked for anew after each migration: the role `sentinela_service` reads and writes rows and
-- nothing else. What a trigger keeps append-only it may only append to; the chains that the database makes it may only read.
--
-- Roles belong to the whole server, so several databases (and the tests, in parallel) may ask for this one at once: whoever
-- comes second finds it made.
do $$
declare
    service constant name := 'sentinela_service';
    service_id oid;
    item record;
begin
    -- Two programs that open one database at once would trip over each other's grants.
    perform pg_advisory_xact_lock(1397183059);
    if not exists (select from pg_roles where rolname = service) then
        begin
            execute format('create role %I nologin', service);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end if;
    if not pg_has_role(current_user, service, 'member') then
        begin
            execute format('grant %I to %I', service, current_user);
        exception when unique_violation or internal_error then
            null;
        end;
    end if;
    select oid into strict service_id from pg_roles where rolname = service;

    if not has_schema_privilege(service, 'public', 'usage') then
        execute format('grant usage on schema public to %I', service);
    end if;
    -- Databases made before PostgreSQL 15 let everybody make tables.
    if has_schema_privilege(service, 'public', 'create') then
        revoke create on schema public from public;
        execute format('revoke create on schema public from %I', service);
    end if;

    -- Our own tables, views and sequences; not those of extensions.
    for item in
        select c.oid::regclass as relation, c.relkind, wanted.rights,
            array(select a.privilege_type from aclexplode(c.relacl) a where a.grantee = service_id
                  order by a.privilege_type) as held
        from pg_class c
        cross join lateral (
            select exists (
                select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
                where t.tgrelid = c.oid and p.proname in ('refuse_rewrite', 'refuse_audit_change')
                  -- Both UPDATE (16) and DELETE (8).
                  and t.tgtype & 24 = 24) as kept) append_only
        cross join lateral (
            select case
                when c.relkind = 'S' then array['SELECT', 'USAGE']
                when c.relname in ('audit_chain', 'chain_link', '_sqlx_migrations') or c.relkind in ('v', 'm') then array['SELECT']
                when append_only.kept then array['INSERT', 'SELECT']
                else array['DELETE', 'INSERT', 'SELECT', 'UPDATE'] end as rights) wanted
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')
          and pg_has_role(current_user, c.relowner, 'usage')
          and not exists (select from pg_depend d
                          where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    loop
        if item.held <> item.rights then
            execute format('revoke all on %s %s from %I',
                case when item.relkind = 'S' then 'sequence' else 'table' end, item.relation, service);
            execute format('grant %s on %s %s to %I', array_to_string(item.rights, ', '),
                case when item.relkind = 'S' then 'sequence' else 'table' end, item.relation, service);
        end if;
    end loop;

    -- What only the owner can do and the service may ask for.
    for item in
        select p.oid::regprocedure as call from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.proname in
              ('journal_open_month', 'journal_drop_month', 'maintenance_forget')
          and pg_has_role(current_user, p.proowner, 'usage') and not has_function_privilege(service, p.oid, 'execute')
    loop
        execute format('grant execute on function %s to %I', item.call, service);
    end loop;
end $$;
