-- A correction stands in the place of what it corrects, and what hangs on the one is looked for from the other. Each is corrected once,
-- and only what was there before can be corrected, so a chain is a line with an end.

-- The last of the chain that an inspection belongs to.
create function inspection_standing_of(of uuid) returns uuid language sql stable as $$
    with recursive chain(id, step) as (
        select of, 0
        union all
        select n.id, c.step + 1 from inspection n join chain c on n.supersedes = c.id)
    select id from chain order by step desc limit 1
$$;

-- Every inspection of the chain, before and after.
create function inspection_chain(of uuid) returns setof uuid language sql stable as $$
    with recursive before(id) as (
        select of
        union all
        select i.supersedes from inspection i join before b on i.id = b.id where i.supersedes is not null),
    after(id) as (
        select n.id from inspection n where n.supersedes = of
        union all
        select n.id from inspection n join after a on n.supersedes = a.id)
    select id from before union all select id from after
$$;
