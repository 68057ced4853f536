//! The texts of issued alerts, in the languages they have.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::PgConnection;

use crate::alerts::templates::FALLBACK;
use crate::dispatch::content::Content;
use crate::ids::AlertId;

/// What some alerts say, by alert and language. The town's own language is always there.
#[derive(Debug, Default)]
pub struct Contents(BTreeMap<(AlertId, String), Arc<Content>>);

impl Contents {
    /// What a reader of this language is told, with the language it is in: the town's own where there is no other.
    pub fn of(&self, alert: AlertId, language: &str) -> Option<(&str, &Arc<Content>)> {
        let found = self.0.get_key_value(&(alert, language.to_owned()));
        let found = found.or_else(|| self.0.get_key_value(&(alert, FALLBACK.to_owned())));
        found.map(|((_, language), content)| (language.as_str(), content))
    }

    pub fn iter(&self) -> impl Iterator<Item = (AlertId, &str, &Arc<Content>)> {
        self.0.iter().map(|((alert, language), content)| (*alert, language.as_str(), content))
    }
}

/// What these alerts say.
pub async fn load(conn: &mut PgConnection, alerts: &[AlertId]) -> sqlx::Result<Contents> {
    let ids: Vec<uuid::Uuid> = alerts.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"with said as (
               select id as alert_id, 'pt-BR' as language, headline, description, instruction, sms_text from alert where id = any($1)
               union all
               select alert_id, language, headline, description, instruction, sms_text from alert_text where alert_id = any($1)
           )
        select a.id as "id: AlertId", said.language as "language!", a.status, a.kind, said.headline as "headline!",
            said.description as "description!", said.instruction as "instruction!", said.sms_text as "sms_text!", a.expires_at,
            coalesce(a.cap_identifier, '') as "cap_identifier!",
            array(select distinct t.name from alert_target t where t.alert_id = a.id order by 1) as "areas!"
        from said join alert a on a.id = said.alert_id"#,
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
        ((row.id, row.language), Arc::new(content))
    });
    Ok(Contents(contents.collect()))
}
