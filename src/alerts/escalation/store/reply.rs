//! Pages that can be answered by SMS.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::StaffId;

/// A page of somebody whose wait goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged {
    pub wait: Uuid,
    pub person: StaffId,
    pub username: String,
    pub language: String,
    pub code: String,
}

/// The pages with a code that went to this telephone, of waits that go on, the newest first. The telephone must be the person's now,
/// and they must not be shut out.
pub async fn paged(conn: &mut PgConnection, phone: &str) -> sqlx::Result<Vec<Paged>> {
    sqlx::query_as!(
        Paged,
        r#"select e.id as wait, s.id as "person: StaffId", s.username, s.language, p.code as "code!"
           from staff s join alert_page p on p.staff_id = s.id and p.code is not null
               join alert_escalation e on e.id = p.escalation_id
           where s.phone = $1 and s.disabled_at is null and e.ended_at is null
           order by e.opened_at desc, e.id, p.at desc limit 100"#,
        phone
    )
    .fetch_all(conn)
    .await
}

/// Codes of a person's pages whose waits go on.
pub async fn codes(conn: &mut PgConnection, person: StaffId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select p.code as "code!" from alert_page p join alert_escalation e on e.id = p.escalation_id
           where p.staff_id = $1 and p.code is not null and e.ended_at is null"#,
        person.0
    )
    .fetch_all(conn)
    .await
}
