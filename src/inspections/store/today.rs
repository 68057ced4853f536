//! What somebody of the field has before them: tasks, occurrences and interdictions, few enough for a telephone.

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Instant;
use crate::ids::StaffId;

/// Lines of each kind.
pub const MOST: i64 = 100;

/// A task of a plan.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FieldTask)]
pub struct Task {
    pub id: Uuid,
    pub incident: Uuid,
    pub incident_number: String,
    pub title: String,
    pub checklist: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Instant,
    /// todo or taken
    pub state: String,
    /// Theirs, and not only of their role.
    pub mine: bool,
    /// Part of an exercise.
    pub drill: bool,
}

/// Open tasks of this account, and those of its roles and rotas that nobody has taken; by the time they are due.
pub async fn tasks(conn: &mut PgConnection, who: StaffId, roles: &[String], now: Instant) -> sqlx::Result<Vec<Task>> {
    sqlx::query_as!(
        Task,
        r#"select t.id, t.incident_id as incident, i.number as incident_number, t.title, t.checklist, t.due_at, t.state,
               coalesce(t.assignee = $1, false) as "mine!", t.drill
           from incident_task t join incident i on i.id = t.incident_id
           where i.state = 'open' and t.state in ('todo', 'taken') and (t.assignee = $1 or (t.state = 'todo' and (t.role = any($2)
               or exists (select from rota r join rota_turn u on u.rota_id = r.id where r.code = t.rota and u.staff_id = $1
                          and u.withdrawn_at is null and u.from_at <= $3 and u.until_at > $3))))
           order by t.due_at, t.id limit $4"#,
        who.0,
        roles,
        now,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// An incident that is worked on.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FieldIncident)]
pub struct Running {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    /// Part of an exercise.
    pub drill: bool,
}

/// The newest first.
pub async fn incidents(conn: &mut PgConnection) -> sqlx::Result<Vec<Running>> {
    sqlx::query_as!(
        Running,
        r#"select id, number, title, incident_is_drill(id) as "drill!" from incident where state = 'open'
           order by opened_at desc, id limit $1"#,
        MOST
    )
    .fetch_all(conn)
    .await
}

/// Incident and revision of a task.
pub async fn task(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<(Uuid, i32)>> {
    let row = sqlx::query!("select incident_id, revision from incident_task where id = $1", id);
    Ok(row.fetch_optional(conn).await?.map(|row| (row.incident_id, row.revision)))
}

/// Who answers for an occurrence; `None` when there is no such one.
pub async fn assignee(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Option<String>>> {
    sqlx::query_scalar!("select assignee from occurrence where id = $1", id).fetch_optional(conn).await
}

/// An interdiction that stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FieldInterdiction)]
pub struct Standing {
    pub id: Uuid,
    pub number: String,
    pub street: String,
    pub house_number: String,
    pub neighbourhood: String,
    /// partial or total
    pub scope: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
}

/// The newest first.
pub async fn interdictions(conn: &mut PgConnection) -> sqlx::Result<Vec<Standing>> {
    sqlx::query_as!(
        Standing,
        "select n.id, n.number, s.street, s.house_number, s.neighbourhood, n.scope, n.at
         from interdiction n join inspection s on s.id = inspection_standing_of(n.inspection_id)
         where n.state = 'active' order by n.at desc, n.id desc limit $1",
        MOST
    )
    .fetch_all(conn)
    .await
}

/// An inspection that should be repeated.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FieldRepeat)]
pub struct Repeat {
    pub id: Uuid,
    pub number: String,
    pub street: String,
    pub house_number: String,
    pub neighbourhood: String,
    #[schema(value_type = String, format = Date)]
    pub inspect_again_by: chrono::NaiveDate,
}

/// Those that this account made and that are due within a week, the longest due first.
pub async fn repeats(conn: &mut PgConnection, who: StaffId, today: chrono::NaiveDate) -> sqlx::Result<Vec<Repeat>> {
    sqlx::query_as!(
        Repeat,
        r#"select s.id as "id!", s.number as "number!", s.street as "street!", s.house_number as "house_number!",
               s.neighbourhood as "neighbourhood!", s.inspect_again_by as "inspect_again_by!"
           from inspection_standing s where s.inspector_id = $1 and s.inspect_again_by <= $2::date + 7
           order by s.inspect_again_by, s.id limit $3"#,
        who.0,
        today,
        MOST
    )
    .fetch_all(conn)
    .await
}
