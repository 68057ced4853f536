//! Chains of the secretariat as they lie in the database, for whoever reckons them anew. What they cover is named here and not asked of the
//! database, so that whoever changes its functions changes nothing of what is found.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::secretariat::kernel::chain::{Covered, RowLink, Sealed, hex};
use crate::units::vocabulary;

vocabulary! {
    /// Whose chains there are.
    Subject, "kind of subject" {
        Case = "case",
        Instrument = "instrument",
        Body = "body",
        Budget = "budget",
    }
}

/// Until the transaction ends, all that is read is of one moment.
pub async fn snapshot(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("set transaction isolation level repeatable read read only").execute(conn).await?;
    Ok(())
}

/// The next subjects after one, by id; also those of which nothing but links or acts is left.
pub async fn subjects(conn: &mut PgConnection, of: Subject, after: Uuid, most: i64) -> sqlx::Result<Vec<Uuid>> {
    match of {
        Subject::Case => {
            sqlx::query_scalar!(
                r#"select s.id as "id!" from (select id from case_file union select case_id from case_act
                       union select subject from chain_link where kind = 'case') s where s.id > $1 order by s.id limit $2"#,
                after,
                most
            )
            .fetch_all(conn)
            .await
        }
        Subject::Instrument => {
            sqlx::query_scalar!(
                r#"select s.id as "id!" from (select id from instrument union select instrument_id from instrument_act
                       union select subject from chain_link where kind = 'instrument') s where s.id > $1 order by s.id limit $2"#,
                after,
                most
            )
            .fetch_all(conn)
            .await
        }
        Subject::Body => {
            sqlx::query_scalar!(
                r#"select s.id as "id!" from (select id from body union select subject from chain_link where kind = 'body') s
                   where s.id > $1 order by s.id limit $2"#,
                after,
                most
            )
            .fetch_all(conn)
            .await
        }
        Subject::Budget => {
            sqlx::query_scalar!(
                r#"select s.id as "id!" from (select id from budget_bill union select subject from chain_link where kind = 'budget') s
                   where s.id > $1 order by s.id limit $2"#,
                after,
                most
            )
            .fetch_all(conn)
            .await
        }
    }
}

struct Row {
    seq: Option<i32>,
    table_name: String,
    key: String,
    columns: Option<Vec<String>>,
    row_sha256: Option<Vec<u8>>,
    prev: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
    whole: Option<bool>,
    is_there: bool,
    fits: Option<bool>,
}

impl Row {
    fn covered(self, of: Subject) -> Covered {
        let link = self.seq.map(|seq| RowLink {
            kind: of.as_str().to_owned(),
            seq,
            table: self.table_name.clone(),
            key: self.key.clone(),
            columns: self.columns.unwrap_or_default(),
            row: self.row_sha256.map(|sum| hex(&sum)).unwrap_or_default(),
            prev: self.prev.map(|prev| hex(&prev)),
            hash: self.hash.map(|hash| hex(&hash)).unwrap_or_default(),
        });
        let fits = self.is_there.then_some(self.fits == Some(true));
        Covered { table: self.table_name, key: self.key, link, fits, is_whole: self.whole.unwrap_or(true) }
    }
}

/// What is covered of a subject: each row with each of its links, in the order of the links, and behind them rows that have none.
pub async fn covered(conn: &mut PgConnection, of: Subject, id: Uuid) -> sqlx::Result<Vec<Covered>> {
    let rows = match of {
        Subject::Case => of_case(conn, id).await?,
        Subject::Instrument => of_instrument(conn, id).await?,
        Subject::Body => of_body(conn, id).await?,
        Subject::Budget => of_budget(conn, id).await?,
    };
    Ok(rows.into_iter().map(|row| row.covered(of)).collect())
}

/// What was published of a subject, each with the hash that stands beside it and on its page.
pub async fn snapshots(conn: &mut PgConnection, of: Subject, id: Uuid) -> sqlx::Result<Vec<Sealed>> {
    match of {
        Subject::Case => {
            sqlx::query_as!(
                Sealed,
                r#"select 'case_publication' as "table!", seq, snapshot, sha256 from case_publication where case_id = $1 order by seq"#,
                id
            )
            .fetch_all(conn)
            .await
        }
        Subject::Instrument => {
            sqlx::query_as!(
                Sealed,
                r#"select 'instrument_publication' as "table!", seq, snapshot as "snapshot!", sha256 as "sha256!"
                   from instrument_publication where instrument_id = $1 and snapshot is not null order by seq"#,
                id
            )
            .fetch_all(conn)
            .await
        }
        // What is published of bodies and budgets has no hash of its own.
        Subject::Body | Subject::Budget => Ok(Vec::new()),
    }
}

/// Reads the links of a subject beside the rows that are there. Given are the rows, each as table, key, value and whether its bytes are whole, and
/// the kind of the subject, both as literals: sqlx puts literals together.
macro_rules! rows {
    ($conn:expr, $id:expr, $kept:tt, $kind:tt) => {
        sqlx::query_as!(
            Row,
            "with kept as (" + $kept + r#")
            select l.seq as "seq?", coalesce(l.table_name, k.table_name) as "table_name!", coalesce(l.key, k.key) as "key!",
                l.columns as "columns?", l.row_sha256 as "row_sha256?", l.prev as "prev?", l.hash as "hash?", k.whole as "whole?",
                (k.value is not null) as "is_there!",
                sha256(convert_to((select jsonb_object_agg(f.key, f.value)::text from jsonb_each(k.value) f where f.key = any(l.columns)),
                    'UTF8')) = l.row_sha256 as "fits?"
            from (select * from chain_link where kind = "# + $kind + r#" and subject = $1) l
            full join kept k on k.table_name = l.table_name and k.key = l.key order by l.seq nulls last, 2, 3"#,
            $id
        )
        .fetch_all($conn)
        .await
    };
}

async fn of_case(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Row>> {
    rows!(
        conn,
        id,
        r#"select 'case_document' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, t.sha256 = sha256(t.bytes) as whole
                   from case_document t where t.case_id = $1
               union all select 'case_publication' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from case_publication t where t.case_id = $1"#,
        "'case'"
    )
}

async fn of_instrument(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Row>> {
    rows!(
        conn,
        id,
        r#"select 'instrument_money' as table_name, t.seq::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from instrument_money t where t.instrument_id = $1
               union all select 'instrument_document' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, t.sha256 = sha256(t.bytes) as whole
                   from instrument_document t where t.instrument_id = $1
               union all select 'instrument_publication' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from instrument_publication t where t.instrument_id = $1"#,
        "'instrument'"
    )
}

async fn of_body(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Row>> {
    rows!(
        conn,
        id,
        r#"select 'body' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body t where t.id = $1
               union all select 'body_seat' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_seat t where t.body_id = $1
               union all select 'body_mandate' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_mandate t where t.body_id = $1
               union all select 'body_snapshot' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_snapshot t where t.body_id = $1
               union all select 'body_resolution' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_resolution t where t.body_id = $1
               union all select 'body_meeting' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, (t.pdf is null or t.pdf_sha256 = encode(sha256(t.pdf), 'hex')) as whole
                   from body_meeting t where t.body_id = $1
               union all select 'body_call' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_call t join body_meeting m on m.id = t.meeting_id where m.body_id = $1
               union all select 'body_item' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_item t join body_meeting m on m.id = t.meeting_id where m.body_id = $1
               union all select 'body_attendance' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_attendance t join body_meeting m on m.id = t.meeting_id where m.body_id = $1
               union all select 'body_document' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, t.sha256 = encode(sha256(t.bytes), 'hex') as whole
                   from body_document t join body_item i on i.id = t.item_id join body_meeting m on m.id = i.meeting_id where m.body_id = $1
               union all select 'body_recusal' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_recusal t join body_item i on i.id = t.item_id join body_meeting m on m.id = i.meeting_id where m.body_id = $1
               union all select 'body_vote' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_vote t join body_item i on i.id = t.item_id join body_meeting m on m.id = i.meeting_id where m.body_id = $1
               union all select 'body_decision' as table_name, t.item_id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from body_decision t join body_item i on i.id = t.item_id join body_meeting m on m.id = i.meeting_id where m.body_id = $1"#,
        "'body'"
    )
}

async fn of_budget(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Row>> {
    rows!(
        conn,
        id,
        r#"select 'budget_bill' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from budget_bill t where t.id = $1
               union all select 'budget_act' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from budget_act t where t.bill_id = $1
               union all select 'budget_change' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from budget_change t where t.bill_id = $1
               union all select 'budget_import' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from budget_import t where t.bill_id = $1
               union all select 'budget_publication' as table_name, t.id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from budget_publication t where t.bill_id = $1
               union all select 'budget_decision' as table_name, t.change_id::text as key, to_jsonb(t) - '{bytes,pdf}'::text[] as value, true as whole
                   from budget_decision t join budget_change c on c.id = t.change_id where c.bill_id = $1"#,
        "'budget'"
    )
}
