//! The texts of issued alerts.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::PgConnection;

use crate::dispatch::content::Content;
use crate::ids::AlertId;

/// What these alerts say.
pub async fn load(conn: &mut PgConnection, alerts: &[AlertId]) -> sqlx::Result<HashMap<AlertId, Arc<Content>>> {
    let ids: Vec<uuid::Uuid> = alerts.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select a.id as "id: AlertId", a.status, a.kind, a.headline, a.description, a.instruction, a.sms_text, a.expires_at,
            coalesce(a.cap_identifier, '') as "cap_identifier!",
            array(select distinct aa.name from alert_area aa where aa.alert_id = a.id order by 1) as "areas!"
        from alert a where a.id = any($1)"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let contents = rows.into_iter().map(|row| {
        let content = Content {
            status: row.status,
            kind: row.kind,
            headline: row.headline,
            description: row.description,
            instruction: row.instruction,
            sms_text: row.sms_text,
            areas: row.areas,
            cap_identifier: row.cap_identifier,
            expires_at: row.expires_at,
        };
        (row.id, Arc::new(content))
    });
    Ok(contents.collect())
}
