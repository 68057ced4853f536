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

/// An alert takes the words that people wrote in another one, language by language; what a template wrote there it writes here anew.
pub async fn take_words(conn: &mut PgConnection, alert: AlertId, from: AlertId) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert a set headline = p.headline, description = p.description, instruction = p.instruction,
             sms_text = p.sms_text, edited = true
         from alert p where a.id = $1 and p.id = $2 and p.edited",
        alert.0,
        from.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update alert_text t set headline = p.headline, description = p.description, instruction = p.instruction,
             sms_text = p.sms_text, edited = true
         from alert_text p where t.alert_id = $1 and p.alert_id = $2 and p.language = t.language and p.edited",
        alert.0,
        from.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// On which warning of others an alert that has left is based, in this language or the town's own.
pub async fn attribution(conn: &mut PgConnection, alert: AlertId, language: &str) -> sqlx::Result<Option<String>> {
    let found = sqlx::query_scalar!(
        "select coalesce(a.attribution_lines ->> $2, a.attribution) from alert a join alert_public p on p.id = a.id where a.id = $1",
        alert.0,
        language
    );
    Ok(found.fetch_optional(conn).await?.flatten())
}
