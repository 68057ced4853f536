-- A source that rests, and two items of one page that differ in their words.
insert into media_source (id, name, kind, url, added_at, added_by, due_at, paused_at, paused_by) values
    (md5('source diario')::uuid, 'Diário Oficial', 'gazette', 'https://diario.exemplo.invalid/rss', '2026-02-17T12:00:00Z', 'ana',
        '2026-02-17T13:00:00Z', '2026-02-17T12:30:00Z', 'ana');
insert into media_item (id, source_id, guid, link, link_key, title, excerpt, published_at, fetched_at, sha256, simhash, first_id, by_rules, state,
    words)
select md5('item ' || i.n)::uuid, md5('source diario')::uuid, 'g-' || i.n, 'https://diario.exemplo.invalid/hoje',
    sha256('diario.exemplo.invalid/hoje'), i.title, '', '2026-02-17T11:00:00Z', '2026-02-17T12:00:00Z', sha256(convert_to(i.title, 'UTF8')), i.n,
    md5('item ' || i.n)::uuid, 'candidate', 'candidate', lower(i.title)
from (values (5, 'Decreto 12'), (6, 'Decreto 13')) i (n, title);
insert into media_match (item_id, rule_id) values (md5('item 5')::uuid, md5('media rule')::uuid);
