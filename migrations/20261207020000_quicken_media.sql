-- What keeps items of the press quick to find over a million rows, one story from being the repeat of itself, and sources in people's hands.

-- Sources can be changed, and rest. A source that rests keeps its place in the schedule and is not asked.
alter table media_source
    add column revision integer not null default 1 constraint media_source_revision_positive check (revision >= 1),
    add column paused_at timestamptz,
    add column paused_by text,
    add constraint media_source_paused_whole check (num_nonnulls(paused_at, paused_by) in (0, 2)),
    add constraint media_source_paused_asked check (paused_at is null or kind <> 'hand');
drop index media_source_due;
create index media_source_due on media_source (due_at) where removed_at is null and paused_at is null and due_at is not null;

-- Some feeds name one page for all their items: the same item is the same address with the same words.
drop index media_item_link;
create unique index media_item_link on media_item (link_key, (md5(words)::uuid)) where link_key is not null;

-- The first of a story repeats nothing, so that no chain of repeats is longer than one step and none comes back to itself. Held at the end of
-- the transaction, because a file may bring a repeat before its first.
update media_item i set first_id = i.id
where i.first_id <> i.id and not exists (select from media_item f where f.id = i.first_id and f.first_id = f.id);
create function media_item_first() returns trigger language plpgsql as $$
declare
    first uuid;
begin
    -- As it stands by now, not as it stood when this was put off.
    select i.first_id into first from media_item i where i.id = new.id;
    if not found then
        return null;
    end if;
    if first <> new.id then
        -- Held, so that it does not become a repeat or go meanwhile.
        perform from media_item f where f.id = first and f.first_id = f.id for share;
        if not found then
            raise exception 'media_item %: the first of its story % is none', new.id, first
                using errcode = 'check_violation', constraint = 'media_item_first_is_first';
        end if;
        if exists (select from media_item o where o.first_id = new.id and o.first_id <> o.id) then
            raise exception 'media_item %: it is the first of a story and repeats another', new.id
                using errcode = 'check_violation', constraint = 'media_item_first_is_first';
        end if;
    end if;
    return null;
end $$;
create constraint trigger media_item_first_is_first after insert or update of first_id on media_item
    deferrable initially deferred for each row when (new.first_id <> new.id) execute function media_item_first();

-- By rule: a match knows the day, the state and the place in the story of its item, and an index of a rule is read from the newest on.
alter table media_match add column published_at timestamptz, add column state text, add column is_first boolean;
update media_match m set published_at = i.published_at, state = i.state, is_first = i.first_id = i.id
from media_item i where i.id = m.item_id;
alter table media_match
    alter column published_at set not null,
    alter column state set not null,
    alter column is_first set not null;
create index media_match_newest on media_match (rule_id, published_at desc, item_id desc) include (is_first);
create index media_match_state on media_match (rule_id, state, published_at desc, item_id desc) include (is_first);
drop index media_match_rule;
create function media_match_fill() returns trigger language plpgsql as $$
begin
    -- Held, so that nobody judges the item before this row can be seen.
    select i.published_at, i.state, i.first_id = i.id into strict new.published_at, new.state, new.is_first
    from media_item i where i.id = new.item_id for share;
    return new;
end $$;
create trigger media_match_filled before insert on media_match for each row execute function media_match_fill();
create function media_item_tell_matches() returns trigger language plpgsql as $$
begin
    update media_match set state = new.state, is_first = new.first_id = new.id where item_id = new.id;
    return null;
end $$;
create trigger media_item_told after update of state, first_id on media_item for each row
    when (old.state is distinct from new.state or old.first_id is distinct from new.first_id) execute function media_item_tell_matches();

-- Words with signs that no word has: the index finds the words of what was selected, of a tone, a theme or a source without reading the rest.
create function media_sign(kind text, word text) returns text language sql immutable strict parallel safe as $$
    select '§' || kind || ' ' || word
$$;
create function media_search(words text, state text, tone text, theme text, source uuid) returns tsvector
language sql immutable parallel safe as $$
    select to_tsvector('portuguese'::regconfig, words) || array_to_tsvector(array_remove(array[media_sign('state', state),
        media_sign('tone', tone), media_sign('theme', nullif(theme, '')), media_sign('source', source::text)], null))
$$;
-- What somebody looks for, among what bears all the signs that are given. Words that say nothing find nothing.
create function media_query(words text, state text, tone text, theme text, source uuid) returns tsquery
language sql immutable parallel safe as $$
    select case when numnode(query) = 0 then query else coalesce(query && nullif(signs, '')::tsquery, query) end
    from (
        select websearch_to_tsquery('portuguese'::regconfig, words) as query,
            -- As a query writes a word that has quotes and strokes in it.
            coalesce((select string_agg('''' || replace(replace(sign, '\', '\\'), '''', '''''') || '''', ' & ')
                from unnest(array[media_sign('state', state), media_sign('tone', tone), media_sign('theme', nullif(theme, '')),
                    media_sign('source', source::text)]) sign where sign is not null), '') as signs
    ) asked
$$;
drop index media_item_search;
alter table media_item drop column search;
alter table media_item add column search tsvector not null generated always as (media_search(words, state, tone, theme, source_id)) stored;
create index media_item_search on media_item using gin (search);
-- Every item that has the words, through the index and never by reading the table, however common the planner thinks they are: it is asked only
-- when the newest items have shown that they are not.
create function media_hits(query tsquery) returns table (id uuid, published_at timestamptz, first_id uuid)
language sql stable parallel safe set enable_seqscan = off as $$
    select i.id, i.published_at, i.first_id from media_item i where i.search @@ query
$$;

-- Series of what was selected read an index alone where its pages are known to be seen by all: swept after a hundredth of the rows, not a fifth.
alter table media_item set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.01);
create index media_item_theme on media_item (theme, published_at desc, id desc) include (tone) where state = 'selected';
create index media_item_source_state on media_item (source_id, state, published_at desc, id desc);
