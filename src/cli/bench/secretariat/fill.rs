//! A database full of cases, filled by the server itself: eight years of them, a sixth still open, with their acts, deadlines, documents,
//! publications and links. Rows are of the shape that the service writes; only the hashes of their acts chain nothing, and
//! those of their snapshots are of something else. What another store of
//! the secretariat fills is one more [`Fill`] in [`all`].

use serde::Serialize;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool};

use super::{media, shapes};
use crate::accounts::store::upsert_member;
use crate::accounts::{Role, Roles};
use crate::app::App;
use crate::clock::{Instant, Stopwatch};
use crate::demo;

/// What was filled.
#[derive(Debug, Serialize)]
pub struct Filled {
    pub what: &'static str,
    pub rows: i64,
    pub took_s: f64,
}

/// How many rows each store gets.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub cases: i64,
    /// Items of the press.
    pub items: i64,
}

/// One store that is filled.
enum Fill {
    Cases(i64),
    Items(i64),
}

/// Fills every store: cases and items of the press by the number, every other module as the demonstration has it.
///
/// # Errors
/// The database's.
pub async fn all(pool: &PgPool, app: &App, sizes: Sizes) -> anyhow::Result<Vec<Filled>> {
    let (mut filled, now) = (Vec::new(), app.clock.now());
    for fill in [Fill::Cases(sizes.cases), Fill::Items(sizes.items)] {
        let watch = Stopwatch::start();
        let (what, rows) = match fill {
            Fill::Cases(wanted) => ("cases", cases(pool, app, now, wanted).await?),
            Fill::Items(wanted) => ("items of the press", media::items(pool, now, wanted).await?),
        };
        filled.push(Filled { what, rows, took_s: watch.elapsed().as_secs_f64() });
    }
    // After the many: it goes on in their series of numbers.
    demonstrated(&mut *pool.acquire().await?, app).await?;
    pool.execute("vacuum analyze").await?;
    Ok(filled)
}

/// What the demonstration has, with the account that it is in the hands of.
async fn demonstrated(conn: &mut PgConnection, app: &App) -> anyhow::Result<()> {
    let roles = Roles::new([Role::Coordinator]);
    upsert_member(conn, &app.ids, app.clock.now(), demo::USERNAME, "Demonstração", &roles, "").await?;
    demo::secretariat(conn, &app.clock, &app.ids, &app.config).await
}

const TABLES: &str = "
    create unlogged table bench_shape (is_final boolean, no bigint, type_key text, version integer, module text, access text, series text,
        state text, waits_for text, fields jsonb, words text, view jsonb, first_state text, act text, act_from text, deadline jsonb,
        link text, parent text, document text, is_draft boolean);
    create unlogged table bench_row (n bigint primary key, at timestamptz, id uuid, is_final boolean, no bigint);";

const SHAPES: &str = "
    insert into bench_shape
        select is_final, row_number() over (partition by is_final order by md5(type_key || state || words)) - 1, type_key, version, module,
            access, series, state, waits_for, fields, words, nullif(view, 'null'), first_state, act, act_from, nullif(deadline, 'null'), link,
            parent, document, is_draft
        from jsonb_to_recordset($1) as shape (is_final boolean, type_key text, version integer, module text, access text, series text,
            state text, waits_for text, fields jsonb, words text, view jsonb, first_state text, act text, act_from text, deadline jsonb,
            link text, parent text, document text, is_draft boolean)";

/// $1 now, $2 how many, $3 and $4 how many shapes are final and are not. The newest is the first; an id tells the instant (version 7), as
/// those of the service do. Of the newest quarter three in five are open, of the rest one in forty.
const ROWS: &str = "
    insert into bench_row
        select n, at, (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
                || substr(md5(n::text), 4, 15))::uuid, is_final,
            ('x' || substr(md5('shape' || n), 1, 7))::bit(28)::int % (case when is_final then $3 else $4 end)
        from (select n, $1 - (n::float8 / $2::float8) * interval '8 years' as at, not ((n % 5 < 3 and n * 4 < $2) or n % 40 = 0) as is_final
            from generate_series(1, $2) n) made";

const FILLS: [&str; 9] = [
    "insert into case_file (id, type_key, type_version, module, series, year, number, title, state, is_final, waits_for, fields, department,
            assigned, access, author, source, opened_at, changed_at, revision, words, opened_year)
        select id, type_key, version, module, series, year, number, title, state, is_final, waits_for, fields, department,
            assigned, access, 'bench', 'staff', at, at + case when act is null then interval '0' else interval '3 days' end,
            case when act is null then 1 else 2 end,
            coalesce(series || ' ' || year || '/' || case when number < 1000 then lpad(number::text, 3, '0') else number::text end, '')
                || ' ' || title || ' ' || department || words, extract(year from at)::int
        from (select r.id, r.at, s.*, case when series is not null then extract(year from at)::int end as year,
                case when series is not null then (row_number() over (partition by series, extract(year from at) order by n desc))::int end
                    as number,
                (array['Iluminação pública', 'Calçamento', 'Drenagem', 'Poda de árvores', 'Transporte escolar', 'Informações sobre a saúde',
                    'Reforma da praça', 'Manutenção do ônibus', 'Vistoria da encosta', 'Reunião', 'Audiência', 'Convênio'])[1 + n % 12]
                    || ' – Bairro '
                    || (array['São João', 'Conceição', 'Vitória', 'Benfica', 'Progresso', 'Santa Luzia', 'Jardim América'])[1 + n % 7]
                    || ', protocolo ' || n as title,
                (array['', 'Obras', 'Saúde', 'Educação', 'Fazenda', 'Meio Ambiente'])[1 + n % 6] as department,
                case when n % 3 = 0 then 'pessoa' || n % 50 else '' end as assigned
            from bench_row r join bench_shape s on s.is_final = r.is_final and s.no = r.no) made
        order by at",
    "insert into number_series (series, year, last_number)
        select 'case:' || series, year, max(number) from case_file where series is not null group by series, year",
    "insert into case_act (case_id, seq, at, actor, actor_kind, act, from_state, to_state, changes, prev, hash)
        select r.id, seq, case when seq = 1 then at else at + interval '3 days' end, 'bench', 'staff',
            case when seq = 1 then 'open' else act end, case when seq = 1 then '' else act_from end,
            case when seq = 1 then coalesce(act_from, state) else state end, '{}',
            case when seq = 2 then sha256(convert_to(r.id::text, 'UTF8')) end, sha256(convert_to(r.id::text || seq, 'UTF8'))
        from bench_row r join bench_shape s on s.is_final = r.is_final and s.no = r.no
            cross join lateral generate_series(1, case when act is null then 1 else 2 end) seq",
    "insert into deadline (id, subject_kind, subject_id, title, link, code, law_ref, anchor_event, anchor_at, due_on, due_at, warn_days,
            confirmed, trace, state, set_at, set_by, ended_at, ended_by)
        select md5('deadline' || n)::uuid, 'case', r.id, 'Protocolo ' || n, link || r.id, deadline ->> 'code', deadline ->> 'law_ref',
            deadline ->> 'anchor_event', at, (at + due)::date, at + due, (deadline ->> 'warn_days')::int, (deadline ->> 'confirmed')::boolean,
            deadline -> 'trace', case when r.is_final then 'met' else 'open' end, at, 'bench',
            case when r.is_final then at + due * (case when n % 9 = 0 then 1.2 else 0.7 end) end, case when r.is_final then 'bench' end
        from bench_row r join bench_shape s on s.is_final = r.is_final and s.no = r.no
            cross join lateral (select (10 + n % 720) * interval '1 day' as due) span
        where deadline is not null",
    "insert into deadline_act (deadline_id, at, actor, act, due_after) select id, set_at, 'bench', 'set', due_on from deadline",
    "insert into case_publication (id, case_id, module, type_key, seq, corrects, snapshot, sha256, published_at, published_by)
        select md5('publication' || n || '-' || seq)::uuid, r.id, s.module, s.type_key, seq,
            case when seq = 2 then md5('publication' || n || '-1')::uuid end,
            view || jsonb_build_object('title', c.title, 'opened_on', (at at time zone 'UTC')::date),
            sha256(convert_to(r.id::text || seq, 'UTF8')), at + seq * interval '1 hour', 'bench'
        from bench_row r join bench_shape s on s.is_final = r.is_final and s.no = r.no join case_file c on c.id = r.id
            cross join lateral generate_series(1, case when n % 10 = 0 then 2 else 1 end) seq
        where view is not null order by seq, n",
    "insert into case_link (from_case, to_case, kind, at, actor)
        select below.id, above.id, 'parent', below.at, 'bench'
        from (select r.id, r.at, r.n, s.parent from bench_row r join bench_shape s on s.is_final = r.is_final and s.no = r.no
                where s.parent is not null) below
            join (select s.type_key, count(*) as many from bench_row r join bench_shape s on s.is_final = r.is_final and s.no = r.no
                group by s.type_key) counted on counted.type_key = below.parent
            join (select r.id, s.type_key, row_number() over (partition by s.type_key order by r.n) - 1 as place
                from bench_row r join bench_shape s on s.is_final = r.is_final and s.no = r.no) above
                on above.type_key = below.parent and above.place = below.n % counted.many",
    "insert into case_document (id, case_id, kind, version, name, media_type, bytes, sha256, draft, added_at, added_by)
        select md5('document' || n)::uuid, r.id, document, 1, 'documento.txt', 'text/plain', bytes, sha256(bytes), is_draft, at, 'bench'
        from bench_row r join bench_shape s on s.is_final = r.is_final and s.no = r.no
            cross join lateral (select convert_to('Documento do protocolo ' || n, 'UTF8') as bytes) text
        where document is not null and n % 10 = 0",
    "drop table bench_row, bench_shape",
];

/// Gives how many there are.
async fn cases(pool: &PgPool, app: &App, now: Instant, wanted: i64) -> anyhow::Result<i64> {
    let mut conn = pool.acquire().await?;
    app.cases.register(&mut conn, &app.ids, now).await?;
    let shapes = shapes::all(&mut conn, app, now).await?;
    let finals = i64::try_from(shapes.iter().filter(|shape| shape.is_final()).count())?;
    let opens = i64::try_from(shapes.len())? - finals;
    sqlx::raw_sql(TABLES).execute(&mut *conn).await?;
    sqlx::query(SHAPES).bind(Json(&shapes)).execute(&mut *conn).await?;
    sqlx::query(ROWS).bind(now).bind(wanted).bind(finals).bind(opens).execute(&mut *conn).await?;
    conn.execute("analyze bench_shape, bench_row").await?;
    // An index of words is made far quicker over all rows than row by row.
    let index =
        "select indexdef from pg_indexes where schemaname = current_schema() and indexname = 'case_file_search'";
    let index: String = sqlx::query_scalar(index).fetch_one(&mut *conn).await?;
    conn.execute("drop index case_file_search").await?;
    for statement in FILLS {
        conn.execute(statement).await?;
    }
    conn.execute(AssertSqlSafe(index)).await?;
    Ok(sqlx::query_scalar("select count(*) from case_file").fetch_one(&mut *conn).await?)
}
