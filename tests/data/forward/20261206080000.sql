-- The press: a source that is asked and one of people's hands, items of which one repeats another that repeats a third, and the clipping.
insert into media_source (id, name, kind, url, added_at, added_by, due_at) values
    (md5('source folha')::uuid, 'Folha da Serra', 'feed', 'https://folha.exemplo.invalid/rss', '2026-01-12T12:00:00Z', 'ana', '2026-02-17T12:00:00Z'),
    (md5('source radio')::uuid, 'Rádio do Vale', 'hand', '', '2026-01-12T12:00:00Z', 'ana', null);
insert into media_rule (id, name, query, theme, added_at, added_by) values
    (md5('media rule')::uuid, 'Defesa Civil', '"defesa civil" OU enchent*', 'defesa civil', '2026-01-12T12:00:00Z', 'ana');
insert into media_item (id, source_id, guid, link, link_key, title, excerpt, published_at, fetched_at, sha256, simhash, first_id, by_rules, state,
    tone, theme, clipped_on, words)
select md5('item ' || i.n)::uuid, md5('source ' || i.source)::uuid, 'g-' || i.n, 'https://exemplo.invalid/' || i.n,
    sha256(convert_to('exemplo.invalid/' || i.n, 'UTF8')), i.title, 'Equipes de plantão.', i.at, i.at, sha256(convert_to(i.title, 'UTF8')), 42,
    md5('item ' || i.first)::uuid, 'candidate', i.state, i.tone, i.theme, i.clipped, lower(i.title) || ' equipes de plantao'
from (values (1, 'folha', 1, 'Defesa Civil reforça plantão', timestamptz '2026-02-01T09:00:00Z', 'selected', 'positive', 'defesa civil',
    date '2026-02-01'), (2, 'radio', 1, 'Defesa Civil reforca plantao', '2026-02-01T10:00:00Z', 'candidate', null, '', null),
    (3, 'radio', 2, 'Plantão reforçado', '2026-02-01T11:00:00Z', 'new', null, '', null))
    i (n, source, first, title, at, state, tone, theme, clipped);
insert into media_match (item_id, rule_id) select md5('item ' || n)::uuid, md5('media rule')::uuid from generate_series(1, 3) n;
insert into media_judgement (item_id, seq, at, by, judgement, is_undo) values
    (md5('item 1')::uuid, 1, '2026-02-01T12:00:00Z', 'ana',
        '{"note": "", "tone": "positive", "state": "selected", "theme": "defesa civil", "spokesperson": ""}', false);
insert into media_check (item_id, occurrence_id, occurrence_number, at, by, reason) values
    (md5('item 2')::uuid, md5('occurrence rua cheia')::uuid, '2026/002', '2026-02-01T12:10:00Z', 'ana', 'a rádio fala de rua cheia');
insert into media_clipping (day, made_at, made_by, items, mailed)
    select '2026-02-01', '2026-02-01T21:00:00Z', 'ana',
        jsonb_build_array(jsonb_build_object('id', i.id, 'link', i.link, 'tone', i.tone, 'theme', i.theme, 'title', i.title, 'others', 1, 'source',
        'Folha da Serra', 'excerpt', i.excerpt, 'published_at', '2026-02-01T09:00:00Z', 'spokesperson', '')), 0
    from media_item i where i.state = 'selected';
insert into media_subscriber (id, name, email, language, added_at, added_by) values
    (md5('clipping 1')::uuid, 'Gabinete', 'gabinete@exemplo.invalid', 'pt-BR', '2026-01-12T12:00:00Z', 'ana');
