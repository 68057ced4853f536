//! Every row of one alert, some thousands at a time, for exports.

use sqlx::PgConnection;

use crate::clock::Instant;
use crate::ids::AlertId;

/// Rows in one piece.
const PIECE: i64 = 5000;

/// The columns of an export.
pub const HEAD: [&str; 13] = [
    "id",
    "channel",
    "address",
    "language",
    "area",
    "basis",
    "state",
    "reason",
    "attempts",
    "provider",
    "written_at",
    "accepted_at",
    "final_at",
];

#[derive(Clone, Debug)]
pub struct Message {
    pub id: i64,
    pub channel: String,
    pub address: String,
    pub language: String,
    pub area: Option<String>,
    pub basis: String,
    pub state: String,
    pub reason: String,
    pub attempts: i32,
    pub provider: Option<String>,
    pub created_at: Instant,
    pub accepted_at: Option<Instant>,
    pub final_at: Option<Instant>,
}

impl Message {
    /// The line of an export; instants in UTC (RFC 3339).
    pub fn record(&self, address: &str, reason: &str) -> [String; 13] {
        let at = |at: Option<Instant>| {
            at.map_or_else(String::new, |at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        };
        [
            self.id.to_string(),
            self.channel.clone(),
            text(address),
            self.language.clone(),
            text(self.area.as_deref().unwrap_or_default()),
            self.basis.clone(),
            self.state.clone(),
            text(reason),
            self.attempts.to_string(),
            self.provider.clone().unwrap_or_default(),
            at(Some(self.created_at)),
            at(self.accepted_at),
            at(self.final_at),
        ]
    }
}

/// Spreadsheets take what begins with these for a formula. A telephone number, plus sign and digits, is none.
fn text(given: &str) -> String {
    let is_number = given.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    if given.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number {
        format!("'{given}")
    } else {
        given.to_owned()
    }
}

/// The next rows after the row `after`, in the order of their ids.
pub async fn some(conn: &mut PgConnection, alert: AlertId, after: i64) -> sqlx::Result<Vec<Message>> {
    sqlx::query_as!(
        Message,
        r#"select o.id, o.channel, o.address, o.language, r.name as "area?", o.basis, o.state, o.reason, o.attempts, o.provider,
            o.created_at, o.accepted_at, o.final_at
        from outbox o left join risk_area r on r.id = o.area_id
        where o.alert_id = $1 and o.id > $2 order by o.id limit $3"#,
        alert.0,
        after,
        PIECE
    )
    .fetch_all(conn)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_server_said_becomes_a_formula() {
        assert_eq!(text("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(text("+5532999990000"), "+5532999990000");
        assert_eq!(text("+cmd|x"), "'+cmd|x");
        assert_eq!(text("550 no such user"), "550 no such user");
    }
}
