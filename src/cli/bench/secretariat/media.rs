//! A store of press items, filled by the server itself: three years of a dozen outlets, one item in seven the repeat of another, some chosen
//! and some put aside by people.

use sqlx::{AssertSqlSafe, PgPool};

use crate::clock::Instant;

/// $1 now.
const SOURCES: &str = "
    insert into media_source (id, name, kind, url, added_at, added_by, due_at)
        select md5('outlet' || n)::uuid, 'Veículo ' || n, case when n = 1 then 'hand' else 'feed' end,
            case when n = 1 then '' else 'https://veiculo-' || n || '.example/rss' end, $1, 'bench',
            case when n > 1 then $1 + interval '1 day' end
        from generate_series(1, 12) n";

/// $1 now.
const RULES: &str = "
    insert into media_rule (id, name, query, theme, added_at, added_by)
        select md5('rule' || n)::uuid, 'Regra ' || n,
            (array['prefeitura', 'encosta', 'chuva', 'saude', 'educacao'])[1 + n % 5] || ' and ' || (array['obra', 'bairro', 'alerta', 'verba'])[1 + n % 4],
            (array['obras', 'chuvas', 'saúde', 'educação'])[1 + n % 4], $1, 'bench'
        from generate_series(1, 20) n";

/// $1 now, $2 how many; the newest is the first. The words are drawn from a hash, so that some are on one item in ten and others on one in
/// thousands.
const ITEMS: &str = "
    insert into media_item (id, source_id, guid, link, link_key, title, excerpt, published_at, fetched_at, sha256, simhash, first_id, by_rules,
            state, tone, theme, revision, clipped_on, words)
        select id, md5('outlet' || (1 + n % 12))::uuid, 'item-' || n, link, sha256(convert_to(link, 'UTF8')), title, excerpt, at,
            at + interval '10 minutes', sha256(convert_to(title || excerpt, 'UTF8')), hashtextextended(title, 0),
            case when n % 7 = 0 then before_id else id end, case when n % 4 = 0 then 'candidate' else 'new' end, state,
            case when state = 'selected' then (array['positive', 'neutral', 'negative'])[1 + n / 20 % 3] end,
            case when state = 'selected' then (array['obras', 'chuvas', 'saúde', 'educação'])[1 + n / 20 % 4] else '' end,
            case when state in ('selected', 'dismissed') then 1 else 0 end,
            case when state = 'selected' and at < $1 - interval '2 days' then (at at time zone 'UTC')::date end,
            lower(fold_words(translate(title || ' ' || excerpt, ',.:', '')))
        from (
            select n, $1 - n * span as at, 'https://veiculo-' || (1 + n % 12) || '.example/' || n as link,
                (lpad(to_hex((extract(epoch from $1 - n * span) * 1000)::bigint), 12, '0') || '7' || substr(md5('item' || n), 1, 3) || '8'
                    || substr(md5('item' || n), 4, 15))::uuid as id,
                (lpad(to_hex((extract(epoch from $1 - (n - 1) * span) * 1000)::bigint), 12, '0') || '7' || substr(md5('item' || n - 1), 1, 3)
                    || '8' || substr(md5('item' || n - 1), 4, 15))::uuid as before_id,
                (array['Prefeitura anuncia obra', 'Chuva deixa bairro em alerta', 'Câmara discute orçamento', 'Servidores pedem reajuste',
                    'Escola recebe reforma', 'Trânsito muda no centro'])[1 + n % 6] || ': ' || nouns[1 + seed % 20] || ' em '
                    || places[1 + seed / 32 % 10] || ', edição ' || n as title,
                'A reportagem ouviu moradores sobre ' || nouns[1 + seed / 1024 % 20] || ' e ' || nouns[1 + seed / 65536 % 20] || ' em '
                    || places[1 + seed / 2097152 % 10] || '. Segundo a secretaria, o caso ' || seed % 5000 || ' será analisado.' as excerpt,
                case when n % 20 = 0 then 'selected' when n % 20 = 1 then 'dismissed' when n % 4 = 0 then 'candidate' else 'new' end as state
            from generate_series(1, $2) n
                cross join lateral (select ('x' || substr(md5('words' || n), 1, 7))::bit(28)::int as seed) drawn
                cross join (select interval '3 years' / $2::float8 as span,
                    array['iluminação', 'encosta', 'ônibus', 'vacinação', 'drenagem', 'calçada', 'merenda', 'licitação', 'habitação', 'ponte', 'feira',
                        'museu', 'córrego', 'ciclovia', 'estádio', 'biblioteca', 'poda', 'esgoto', 'creche', 'mirante'] as nouns,
                    array['São João', 'Conceição', 'Vitória', 'Benfica', 'Progresso', 'Santa Luzia', 'Jardim América', 'Centro', 'Floresta', 'Grama']
                        as places) given) made";

const REST: [&str; 2] = [
    "insert into media_match (item_id, rule_id)
        select id, md5('rule' || (1 + (split_part(guid, '-', 2)::int / 4) % 20))::uuid from media_item where by_rules = 'candidate'",
    "insert into media_judgement (item_id, seq, at, by, judgement, is_undo)
        select id, 1, fetched_at + interval '1 hour', 'bench',
            jsonb_build_object('state', state, 'tone', tone, 'theme', theme, 'spokesperson', '', 'note', ''), false
        from media_item where state in ('selected', 'dismissed')",
];

/// Gives how many there are.
pub async fn items(pool: &PgPool, now: Instant, wanted: i64) -> anyhow::Result<i64> {
    let mut conn = pool.acquire().await?;
    sqlx::query(SOURCES).bind(now).execute(&mut *conn).await?;
    sqlx::query(RULES).bind(now).execute(&mut *conn).await?;
    // An index of words is made far quicker over all rows than row by row.
    let index =
        "select indexdef from pg_indexes where schemaname = current_schema() and indexname = 'media_item_search'";
    let index: String = sqlx::query_scalar(index).fetch_one(&mut *conn).await?;
    sqlx::query("drop index media_item_search").execute(&mut *conn).await?;
    sqlx::query(ITEMS).bind(now).bind(wanted).execute(&mut *conn).await?;
    for statement in REST {
        sqlx::query(statement).execute(&mut *conn).await?;
    }
    sqlx::query(AssertSqlSafe(index)).execute(&mut *conn).await?;
    Ok(sqlx::query_scalar("select count(*) from media_item").fetch_one(&mut *conn).await?)
}
