//! The texts of an alert in PostgreSQL.

use sqlx::PgConnection;

use super::OtherText;
use crate::alerts::templates::Texts;
use crate::ids::AlertId;

/// The texts in other languages, by language.
pub async fn others(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Vec<OtherText>> {
    sqlx::query_as!(
        OtherText,
        "select language, headline, description, instruction, sms_text, edited from alert_text where alert_id = $1 order by language",
        alert.0
    )
    .fetch_all(conn)
    .await
}

/// What the template proposes in another language, unless a person has written there.
pub async fn propose(conn: &mut PgConnection, alert: AlertId, language: &str, texts: &Texts) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alert_text as t (alert_id, language, headline, description, instruction, sms_text) values ($1, $2, $3, $4, $5, $6)
         on conflict (alert_id, language) do update set headline = excluded.headline, description = excluded.description,
             instruction = excluded.instruction, sms_text = excluded.sms_text
         where not t.edited",
        alert.0,
        language,
        texts.headline,
        texts.description,
        texts.instruction,
        texts.sms
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Replaces the texts of another language.
pub async fn put_other(
    conn: &mut PgConnection,
    alert: AlertId,
    language: &str,
    texts: &Texts,
    edited: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alert_text (alert_id, language, headline, description, instruction, sms_text, edited)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (alert_id, language) do update set headline = excluded.headline, description = excluded.description,
             instruction = excluded.instruction, sms_text = excluded.sms_text, edited = excluded.edited",
        alert.0,
        language,
        texts.headline,
        texts.description,
        texts.instruction,
        texts.sms,
        edited
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the town's own texts, which are then the template's.
pub async fn put_own(conn: &mut PgConnection, alert: AlertId, texts: &Texts) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert set headline = $2, description = $3, instruction = $4, sms_text = $5, edited = false where id = $1",
        alert.0,
        texts.headline,
        texts.description,
        texts.instruction,
        texts.sms
    )
    .execute(conn)
    .await?;
    Ok(())
}
