//! Which alerts share an incident.

use axum::http::StatusCode;
use sentinela::accounts::Role;
use sentinela::config::AlertStatus;
use sentinela::units::Level;

use crate::approval::Room;

/// Each incident with the statuses of its alerts.
const HELD: &str = "select i.number || ' ' || string_agg(distinct a.status, ',') || ' ' || count(*) from incident i
    join incident_alert ia on ia.incident_id = i.id join alert a on a.id = ia.alert_id group by i.id, i.number order by i.number";

#[tokio::test]
async fn an_exercise_and_what_really_happens_share_no_incident_in_either_order() {
    for first in [AlertStatus::Exercise, AlertStatus::Actual] {
        let second = if first == AlertStatus::Actual { AlertStatus::Exercise } else { AlertStatus::Actual };
        let room = Room::open(&[]).await;
        let ana = room.person("ana", Role::Approver).await;
        for status in [first, second, first, second] {
            let id = room.draft_by_rule(Level::Alert, status).await;
            assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::OK);
        }
        let wanted = [format!("2026/001 {} 2", first.as_str()), format!("2026/002 {} 2", second.as_str())];
        assert_eq!(room.words(HELD).await, wanted);
    }
}

#[tokio::test]
async fn what_people_reported_takes_in_the_real_alert_and_no_exercise() {
    let room = Room::open(&[]).await;
    let ana = room.person("ana", Role::Approver).await;
    sqlx::query(
        "insert into incident (id, number, title, cobrade, state, opened_at, opened_by)
         values (gen_random_uuid(), '2026/900', 'Relatos', '1.1.3.2.1', 'open', $1, 'olga')",
    )
    .bind(room.app.clock.now())
    .execute(&room.db.pool)
    .await
    .unwrap();
    for status in [AlertStatus::Exercise, AlertStatus::Actual] {
        let id = room.draft_by_rule(Level::Alert, status).await;
        assert_eq!(room.approve(&ana.token, id, 1).await.0, StatusCode::OK);
    }
    assert_eq!(room.words(HELD).await, ["2026/001 exercise 1", "2026/900 actual 1"]);
}
