-- Tags of what was published: the field `tags` of a snapshot, words with commas between them. Lists, feeds and messages choose by them.
create function publication_tags(snapshot jsonb) returns text[] language sql immutable strict parallel safe as $$
    select coalesce(array_agg(distinct tag), '{}') from (
        select replace(lower(btrim(part)), ' ', '-') as tag
        from unnest(string_to_array(coalesce(snapshot -> 'fields' ->> 'tags', ''), ',')) as part
    ) parts where tag <> ''
$$;
create index case_publication_tagged on case_publication using gin (publication_tags(snapshot)) where withdrawn_at is null;
