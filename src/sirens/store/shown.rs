//! Sirens as pages and API tell them.

use serde_json::Value;
use sqlx::PgConnection;

use super::decode;
use crate::clock::Instant;
use crate::ids::EndpointId;
use crate::sirens::Siren;

/// Every siren in use by name. `silent_since`: whoever was not heard since then is out of contact; `tested_since`: a test before
/// then is too old.
pub async fn list(conn: &mut PgConnection, silent_since: Instant, tested_since: Instant) -> sqlx::Result<Vec<Siren>> {
    let rows = sqlx::query!(
        r#"select s.endpoint_id as "id: EndpointId", e.name, e.configuration, e.least_level, e.enabled, d.code, s.state,
                  s.changed_at, s.sounding_until, d.last_seen_at, s.tested_at, s.test_passed, r.battery_pct as "battery_pct?",
                  (d.enabled and (d.online or (d.heard_by <> 'mqtt' and coalesce(d.last_seen_at > $1, false)))) as "in_contact!",
                  coalesce(s.tested_at, e.created_at) <= $2 as "test_due!",
                  last.act as "last_act?", last.state as "last_state?", last.message as "last_message?"
           from siren s join endpoint e on e.id = s.endpoint_id join device d on d.id = s.device_id
               left join device_report r on r.device_id = d.id
               left join lateral (
                   select sc.act, c.state, c.message from siren_command sc join device_command c on c.id = sc.command_id
                   where sc.endpoint_id = s.endpoint_id order by sc.asked_at desc, sc.command_id desc limit 1) as last on true
           where e.retired_at is null order by lower(e.name), e.id"#,
        silent_since,
        tested_since
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let text = |key: &str| row.configuration.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            Ok(Siren {
                id: row.id,
                name: row.name,
                device: row.code,
                state: row.state.parse().map_err(decode)?,
                changed_at: row.changed_at,
                sounding_until: row.sounding_until,
                in_contact: row.in_contact,
                last_seen_at: row.last_seen_at,
                battery_pct: row.battery_pct,
                tested_at: row.tested_at,
                test_passed: row.test_passed,
                test_due: row.test_due,
                automatic: row.configuration.get("automatic").and_then(Value::as_bool).unwrap_or_default(),
                plancon: text("plancon"),
                least_level: row.least_level,
                enabled: row.enabled,
                last_act: row.last_act,
                last_state: row.last_state,
                last_message: row.last_message,
            })
        })
        .collect()
}
