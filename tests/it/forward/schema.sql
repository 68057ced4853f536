-- What a schema is, a line for each thing in it: relations, columns, constraints, indexes, triggers, views, functions and comments. Partitions of the
-- journal and what belongs to an extension stay out.
with mine as (
    select c.oid, c.relname, c.relkind, c.relpersistence, c.reloptions, c.relacl
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and not c.relispartition and c.relkind in ('r', 'p', 'v', 'S')
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
), functions as (
    select p.oid, p.proacl from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
)
select concat_ws(' ', 'relation', relname, relkind, relpersistence, reloptions, relacl) from mine
union all
select concat_ws(' ', 'column', m.relname || '.' || a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
    a.attstorage, pg_get_expr(d.adbin, d.adrelid))
from mine m join pg_attribute a on a.attrelid = m.oid and a.attnum > 0 and not a.attisdropped left join pg_attrdef d on d.adrelid = m.oid and d.adnum = a.attnum
union all
select concat_ws(' ', 'constraint', m.relname || '.' || k.conname, pg_get_constraintdef(k.oid), k.convalidated) from mine m join pg_constraint k on k.conrelid = m.oid
union all
select concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid) from mine m join pg_index i on i.indrelid = m.oid
union all
select concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), t.tgenabled) from mine m join pg_trigger t on t.tgrelid = m.oid and not t.tgisinternal
union all
select concat_ws(' ', 'view', m.relname, pg_get_viewdef(m.oid)) from mine m where m.relkind = 'v'
union all
select concat_ws(' ', 'function', pg_get_functiondef(oid), proacl) from functions
union all
select concat_ws(' ', 'comment', m.relname, d.objsubid, d.description) from mine m join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = m.oid
order by 1
