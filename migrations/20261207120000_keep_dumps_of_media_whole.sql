-- The words of an item of the press: the same, naming the schema of the function they call. A dump of a database that has items of the press
-- could be neither restored nor carried to a newer PostgreSQL, because it is read back with an empty search path.
create or replace function media_search(words text, state text, tone text, theme text, source uuid) returns tsvector
language sql immutable parallel safe as $$
    select to_tsvector('portuguese'::regconfig, words) || array_to_tsvector(array_remove(array[public.media_sign('state', state),
        public.media_sign('tone', tone), public.media_sign('theme', nullif(theme, '')), public.media_sign('source', source::text)], null))
$$;
