//! What is changed behind the service, past every trigger and by the owner of the tables, is found in the chains of the secretariat.

use std::path::Path;

use axum::body::Body;
use axum::http::{Request, header};
use sentinela::accounts::Role;
use sentinela::audit::chain::{Fault, Outcome};
use sentinela::audit::{Actor, check, verify};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use super::{determination, done, open, path};
use crate::approval::{Person, Room};

/// The check of the audit, with what it says of the chains of the secretariat and of nothing else.
pub async fn checked(room: &Room) -> Outcome {
    let mut conn = room.db.pool.acquire().await.unwrap();
    let nowhere = Path::new("/nonexistent/audit-heads.log");
    let outcome = verify::verify(&mut conn, nowhere, Vec::new(), |_| std::future::ready(Ok(()))).await.unwrap();
    assert!(outcome.findings.iter().all(|one| one.fault == Fault::Ledger), "{:?}", outcome.findings);
    outcome
}

/// What a superuser can do: no trigger is asked. Gives how many rows it was done to.
async fn tamper(owner: &mut PgConnection, sql: &str) -> u64 {
    owner.execute("set session_replication_role = replica").await.unwrap();
    owner.execute(AssertSqlSafe(sql.to_owned())).await.unwrap().rows_affected()
}

/// All is whole; each of these columns of text, when it is changed, is found with its table; taken back, all is whole again.
pub async fn found_in(room: &Room, kind: &str, columns: &[(&str, &str)]) {
    let mut owner = room.db.owner().await;
    let before = checked(room).await;
    assert_eq!(before.found, 0, "{:?}", before.findings);
    assert!(before.ledgers > 0);
    for (table, column) in columns {
        let rows = tamper(&mut owner, &format!("update {table} set {column} = {column} || 'x'")).await;
        assert!(rows > 0, "{table} has no row");
        let told = checked(room).await;
        assert!(told.found > 0, "{table}.{column} was changed unseen");
        for one in &told.findings {
            let named =
                one.object.starts_with(kind) && one.what.contains(&format!(" of {table} is not what was written"));
            assert!(named && one.seq.is_some(), "{table}: {one}");
        }
        tamper(&mut owner, &format!("update {table} set {column} = left({column}, -1)")).await;
    }
    assert_eq!(checked(room).await.found, 0);
    // A link says which row it covers.
    let sql = format!("update chain_link set key = key || 'x' where kind = '{kind}' and seq = 1");
    assert!(tamper(&mut owner, &sql).await > 0);
    let told = checked(room).await;
    assert!(told.found > 0 && told.findings.iter().all(|one| one.seq == Some(1)), "{:?}", told.findings);
    tamper(&mut owner, &format!("update chain_link set key = left(key, -1) where kind = '{kind}' and seq = 1")).await;
}

/// This is done by a superuser, and a finding says these words.
pub async fn found_after(room: &Room, sql: &str, words: &str) {
    let mut owner = room.db.owner().await;
    assert!(tamper(&mut owner, sql).await > 0, "{sql}");
    let told = checked(room).await;
    assert!(told.findings.iter().any(|one| one.what.contains(words)), "{sql}: {:?}", told.findings);
}

async fn attached(room: &Room, by: &Person, case: &Value) {
    let request =
        Request::post(format!("/api/v1/{}?kind=evidence&name=Foto", path("coordination", case, "/documents")))
            .header(header::AUTHORIZATION, &by.token)
            .header(header::CONTENT_TYPE, "text/plain")
            .body(Body::from("prova"));
    let (status, told) = room.send(request.unwrap()).await;
    assert!(status.is_success(), "{told}");
}

#[tokio::test]
async fn what_was_changed_in_a_case_is_found_and_located() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    let case = open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    attached(&room, &carla, &case).await;
    done(&room, &carla, "coordination", &case, ("accept", json!({}))).await;
    found_in(&room, "case", &[("case_document", "added_by")]).await;
    let mut owner = room.db.owner().await;
    for (change, undo, words) in [
        (
            "update case_act set actor = actor || 'x' where seq = 2",
            "update case_act set actor = left(actor, -1) where seq = 2",
            "the chain of its acts is broken at act 2",
        ),
        (
            "update case_file set fields = fields || '{\"text\": \"Outra coisa\"}'",
            "update case_file set fields = fields || '{\"text\": \"Limpar as bocas de lobo\"}'",
            "the field text is another than the acts made it",
        ),
        (
            "update case_file set revision = revision + 1",
            "update case_file set revision = revision - 1",
            "its last act does not lead to its state and revision",
        ),
        (
            "update case_document set bytes = 'outra'",
            "update case_document set bytes = 'prova'",
            "of case_document has other bytes than were written",
        ),
    ] {
        found_after(&room, change, words).await;
        tamper(&mut owner, undo).await;
        assert_eq!(checked(&room).await.found, 0, "{undo}");
    }
    found_after(&room, "delete from case_document", "of case_document is gone").await;
}

#[tokio::test]
async fn what_was_changed_in_a_publication_is_found_also_where_its_link_was_made_after_the_change() {
    let room = Room::open(&[]).await;
    let (ana, bia) = (room.person("ana", Role::News).await, room.person("bia", Role::News).await);
    let fields = json!({ "kind": "institutional", "lead": "Em resumo", "body": "Dez famílias", "tags": "obras" });
    let item = json!({ "type": "news.item", "title": "Obra entregue", "fields": fields });
    let case = open(&room, &ana, "news", item).await;
    done(&room, &bia, "news", &case, ("approve", json!({}))).await;
    done(&room, &ana, "news", &case, ("publish", json!({}))).await;
    let mended = json!({ "reason": "Número errado", "fields": { "body": "Doze famílias" } });
    done(&room, &bia, "news", &case, ("correct", mended)).await;
    done(&room, &bia, "news", &case, ("retire", json!({ "reason": "Fim da obra" }))).await;
    let links = room.words("select count(*)::text from chain_link where table_name = 'case_publication'").await;
    assert_eq!(links, ["4"], "two that went out, and both withdrawn");
    found_in(&room, "case", &[("case_publication", "published_by"), ("case_publication", "withdrawn_reason")]).await;
    // As a row that was changed before it was chained: its links fit, and the SHA-256 of its page tells it.
    let mut owner = room.db.owner().await;
    owner.execute("set timezone = 'UTC'").await.unwrap();
    let change = "update case_publication set snapshot = snapshot || '{\"title\": \"Obra parada\"}' where seq = 1";
    assert_eq!(tamper(&mut owner, change).await, 1);
    tamper(&mut owner, "delete from chain_link where kind = 'case'").await;
    let chain = "select chain_row('case', p.case_id, 'case_publication', p.id::text, to_jsonb(p)) from case_publication p order by p.seq";
    owner.execute(chain).await.unwrap();
    let told = checked(&room).await;
    assert_eq!(told.found, 1, "{:?}", told.findings);
    assert!(told.findings[0].what.contains("the snapshot 1 of case_publication"), "{:?}", told.findings);
    found_after(&room, "delete from case_publication where seq = 2", "of case_publication is gone").await;
}

#[tokio::test]
async fn a_finding_stands_on_the_page_and_the_chain_is_written_by_the_database_alone() {
    let room = Room::open(&[]).await;
    let carla = room.person("carla", Role::Coordination).await;
    open(&room, &carla, "coordination", determination("Bueiros", "2026-12-01")).await;
    let written = sqlx::query("insert into chain_link select * from chain_link").execute(&room.db.pool).await;
    let link = "insert into chain_link (kind, subject, seq, table_name, key, columns, row_sha256, hash)
        values ('body', gen_random_uuid(), 1, 'body', '1', '{}', sha256('a'), sha256('a'))";
    let forged = sqlx::query(link).execute(&room.db.pool).await;
    for refused in [written, forged] {
        assert!(refused.is_err_and(|error| error.to_string().contains("permission denied")));
    }
    found_after(&room, "update case_act set reason = 'Outra'", "broken at act 1").await;
    let ana = room.person("ana", Role::Administrator).await;
    let outcome = checked(&room).await;
    let mut tx = room.app.db.web.begin().await.unwrap();
    let (now, actor) = (room.app.clock.now(), Actor::command());
    check::remember(&mut tx, &room.app.ids, now, &actor, &outcome).await.unwrap();
    tx.commit().await.unwrap();
    let page = room.page(&ana, "/console/audit").await;
    let object = &outcome.findings[0].object;
    assert!(object.starts_with("case ") && page.contains(object.as_str()), "{page}");
}
