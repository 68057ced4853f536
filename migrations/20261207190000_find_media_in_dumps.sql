-- The words of an item: the same, naming the schema of the function it calls. A dump is read back with an empty search path, and there
-- the table with this generated column could not even be made. Whatever a generated column, an index or a check calls names its schema.
create or replace function media_search(words text, state text, tone text, theme text, source uuid) returns tsvector
    language sql immutable parallel safe as $$
    select to_tsvector('portuguese'::regconfig, words) || array_to_tsvector(array_remove(array[public.media_sign('state', state),
        public.media_sign('tone', tone), public.media_sign('theme', nullif(theme, '')), public.media_sign('source', source::text)], null))
$$;
