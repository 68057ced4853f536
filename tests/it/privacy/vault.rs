//! What only a few may read: not in the database, not under the service's key, and never without a reason that is kept.

use sentinela::accounts::{Role, Roles};
use sentinela::app::App;
use sentinela::audit::{Actor, ActorKind, Via};
use sentinela::vault::access::{OpenError, Purpose, Reader, open};
use sentinela::vault::store::{NewRecord, context, find, put};

use crate::support::{self, TestDb, start_at};

const TOLD: &str = "Quem denunciou foi Joana Prado, ramal 4411.";
const HEALTH: &str = "Insulina as oito.";

async fn fill(db: &TestDb, app: &App) {
    let mut tx = db.pool.begin().await.unwrap();
    for (purpose, subject, plain) in
        [(Purpose::Whistleblower, "report:12", TOLD), (Purpose::ShelterHealth, "shelter_stay:7", HEALTH)]
    {
        let keep_until = (start_at() + chrono::TimeDelta::days(900)).date_naive();
        let record = NewRecord { purpose, subject, plain: plain.as_bytes(), created_by: "ana", keep_until };
        put(&mut tx, &app.keys.vault, app.ids.uuid(start_at()), start_at(), &record).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn opened(
    db: &TestDb,
    app: &App,
    role: Role,
    what: (Purpose, &str),
    why: &str,
) -> Result<Option<Vec<u8>>, OpenError> {
    let actor = Actor { kind: ActorKind::Staff, name: "bia".into(), id: None, via: Via::Api, address: None };
    let roles = Roles::from(role);
    let reader = Reader { actor: &actor, permissions: roles.permissions(), roles: &roles };
    let mut tx = db.pool.begin().await.unwrap();
    let outcome = open(&mut tx, &app.keys.vault, &app.ids, start_at(), &reader, what, why).await;
    tx.commit().await.unwrap();
    outcome
}

async fn openings(db: &TestDb) -> Vec<String> {
    sqlx::query_scalar(
        "select concat_ws('|', actor, act, object, reason) from audit_event where act = 'vault.open' order by reason",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_superusers_dump_shows_nothing_and_the_services_key_opens_nothing() {
    let db = support::db().await;
    let app = support::app(&db);
    fill(&db, &app).await;
    let dump = super::dump(&db).await;
    for plain in [TOLD, HEALTH, "Joana", "Insulina"] {
        let hexed: String = plain.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!dump.contains(plain) && !dump.contains(&hexed), "{plain}");
    }
    assert!(dump.contains("shelter_stay:7"), "the dump holds the record, sealed");
    let mut conn = db.pool.acquire().await.unwrap();
    let sealed = find(&mut conn, Purpose::Whistleblower, "report:12").await.unwrap().unwrap().sealed;
    let place = context("whistleblower", "report:12");
    assert_eq!(app.keys.vault.open(&place, &sealed).unwrap(), TOLD.as_bytes());
    assert!(app.keys.service.open(&place, &sealed).is_err());
    // Nor does a record open that somebody moved to where they may read.
    assert!(app.keys.vault.open(&context("shelter_health", "report:12"), &sealed).is_err());
}

#[tokio::test]
async fn opening_asks_for_a_role_and_a_reason_and_is_kept_in_the_audit() {
    let db = support::db().await;
    let app = support::app(&db);
    fill(&db, &app).await;
    let report = (Purpose::Whistleblower, "report:12");
    for role in [Role::Administrator, Role::Coordinator, Role::PrivacyOfficer, Role::Auditor] {
        assert!(
            matches!(opened(&db, &app, role, report, "apuração 3/2026").await, Err(OpenError::Forbidden { .. })),
            "{role}"
        );
    }
    assert!(matches!(opened(&db, &app, Role::Ethics, report, " curioso ").await, Err(OpenError::Reason)));
    assert_eq!(openings(&db).await, Vec::<String>::new());
    let plain = opened(&db, &app, Role::Ethics, report, "apuração 3/2026").await.unwrap();
    assert_eq!(plain.as_deref(), Some(TOLD.as_bytes()));
    // Whoever asks for what is not there has asked.
    let none = opened(&db, &app, Role::Coordinator, (Purpose::ShelterHealth, "shelter_stay:8"), "remoção médica").await;
    assert_eq!(none.unwrap(), None);
    assert_eq!(
        openings(&db).await,
        [
            "bia|vault.open|whistleblower report:12|apuração 3/2026",
            "bia|vault.open|shelter_health shelter_stay:8|remoção médica",
        ]
    );
}

#[tokio::test]
async fn a_changed_record_is_refused_and_not_shown() {
    let db = support::db().await;
    let app = support::app(&db);
    fill(&db, &app).await;
    sqlx::query("update vault_record set sealed = set_byte(sealed, length(sealed) - 1, 255 - get_byte(sealed, length(sealed) - 1))")
        .execute(&mut db.owner().await)
        .await
        .unwrap();
    let outcome = opened(&db, &app, Role::Ethics, (Purpose::Whistleblower, "report:12"), "apuração 3/2026").await;
    assert!(matches!(outcome, Err(OpenError::Seal(_))), "{outcome:?}");
}
