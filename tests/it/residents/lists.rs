//! Lists of residents: each person once, however often and in whatever spelling lists say them.

use sentinela::audit::Actor;
use sentinela::catalogue::Format;
use sentinela::catalogue::store::{Kind, Options, Report, import};
use sentinela::ids::Ids;
use sentinela::reports::inbound;

use super::{POSTCODES, texts};
use crate::support::{self, TestDb, start_at};

const HEADER: &str = "external_ref,name,lat,lon,phone,email,consent_source,consent_at\n";

async fn take(db: &TestDb, ids: &Ids, rows: &str, dry_run: bool) -> Report {
    let text = format!("{HEADER}{rows}");
    let options = Options { dry_run, fictional: false };
    let mut conn = db.pool.acquire().await.unwrap();
    let file = (Format::Csv, text.as_bytes());
    import(&mut conn, ids, start_at(), Kind::Residents, file, options, &Actor::command()).await.unwrap()
}

fn told(report: &Report) -> Vec<String> {
    report
        .rows
        .iter()
        .map(|row| format!("{} {} {}", row.line, row.what, row.fields.join("+")).trim_end().to_owned())
        .collect()
}

#[tokio::test]
async fn a_person_is_kept_once_and_a_dry_run_says_what_would_become_of_each_row() {
    let db = support::db().await;
    let ids = Ids::seeded(3);
    let rows = "1,Ana Lúcia,-21.7,-43.4,(32) 99999-0000,,formulário,\n\
                2,ANA LUCIA,-21.7,-43.4,+55 32 9 9999 0000,Ana@Exemplo.br,formulário,\n\
                3,Bia,-21.7,-43.4,32999990000,,formulário,\n";
    let looked = take(&db, &ids, rows, true).await;
    assert_eq!(told(&looked), ["3 repeated", "2 created", "4 created"]);
    assert_eq!(texts(&db, "select name from resident").await, [] as [&str; 0]);
    let first = take(&db, &ids, rows, false).await;
    assert_eq!((first.created, first.merged), (2, 1));
    let again = take(&db, &ids, rows, false).await;
    assert_eq!((again.created, again.updated, again.unchanged, again.merged), (0, 0, 2, 1));
    // Another list, with keys of its own and other spellings.
    let other = "x9,ana lucia,-21.9,-43.3,032 99999.0000,,outra lista,\nx10,Bia,-21.7,-43.4,32 98888-0000,BIA@EXEMPLO.BR,outra lista,\n";
    let looked = take(&db, &ids, other, true).await;
    assert_eq!(
        told(&looked),
        ["2 created", "3 created"],
        "a namesake in another street, and one with another telephone"
    );
    let near = "x9,ana lucia,-21.7001,-43.4,032 99999.0000,,outra lista,\n";
    assert_eq!(told(&take(&db, &ids, near, true).await), ["2 merged"]);
    let changed = "1,Ana Lúcia Souza,-21.7,-43.41,(32) 99999-0000,ana@exemplo.br,formulário,\n";
    assert_eq!(told(&take(&db, &ids, changed, true).await), ["2 updated name+home+phone, email"]);
}

#[tokio::test]
async fn whoever_subscribed_by_sms_comes_into_the_list_and_keeps_their_word() {
    let db = support::db().await;
    sqlx::raw_sql(POSTCODES).execute(&db.pool).await.unwrap();
    let app = support::app(&db);
    let mut tx = app.db.dispatch.begin().await.unwrap();
    inbound::sms(&mut tx, &app, start_at(), ("5532999990000", "36010-000")).await.unwrap();
    tx.commit().await.unwrap();
    let rows = "1,Ana,-21.75,-43.41,32 99999-0000,ana@exemplo.br,formulário,\n";
    assert_eq!(told(&take(&db, &app.ids, rows, true).await), ["2 merged external_ref"], "her own word is newer");
    let rows = "1,Ana,-21.75,-43.41,32 99999-0000,ana@exemplo.br,formulário,2026-02-23T00:00:00Z\n";
    let taken = take(&db, &app.ids, rows, false).await;
    assert_eq!(told(&taken), ["2 merged external_ref+home+phone, email"]);
    let held = texts(
        &db,
        "select concat_ws('|', r.name, r.external_ref, r.consent_source, string_agg(p.label, '+' order by p.id))
        from resident r join resident_place p on p.resident_id = r.id group by r.id",
    )
    .await;
    assert_eq!(held, ["Ana|1|sms|CEP 36010-000+home"]);
}
