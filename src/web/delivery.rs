//! How the messages of an alert fare, for pages: counts by channel and state, and recipients with masked addresses.

use serde::Serialize;
use sqlx::PgConnection;

use super::pages::drawing::parts_bar;
use super::pages::view::{Markup, View};
use crate::clock::Instant;
use crate::ids::AlertId;

/// Outbox rows of one channel, gathered into what a person wants to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Tally {
    /// The recipient's network or server confirmed it.
    pub delivered: i64,
    /// A provider took it; no receipt yet.
    pub sent: i64,
    /// Still here.
    pub waiting: i64,
    /// Refused, undeliverable or out of time.
    pub failed: i64,
    /// Deliberately not sent, with its reason.
    pub suppressed: i64,
}

impl Tally {
    pub const fn to_send(&self) -> i64 {
        self.delivered + self.sent + self.waiting + self.failed
    }

    fn add(&mut self, state: &str, rows: i64) {
        let field = match state {
            "delivered" => &mut self.delivered,
            "accepted" | "unknown" => &mut self.sent,
            "pending" | "sending" => &mut self.waiting,
            "suppressed" => &mut self.suppressed,
            _ => &mut self.failed,
        };
        *field += rows;
    }
}

/// The channels of an alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Progress {
    pub sms: Tally,
    pub email: Tally,
    /// Webhooks, sirens and chats.
    pub endpoints: Tally,
}

impl Progress {
    pub const fn all(&self) -> Tally {
        Tally {
            delivered: self.sms.delivered + self.email.delivered + self.endpoints.delivered,
            sent: self.sms.sent + self.email.sent + self.endpoints.sent,
            waiting: self.sms.waiting + self.email.waiting + self.endpoints.waiting,
            failed: self.sms.failed + self.email.failed + self.endpoints.failed,
            suppressed: self.sms.suppressed + self.email.suppressed + self.endpoints.suppressed,
        }
    }

    pub const fn total(&self) -> i64 {
        self.all().to_send()
    }
}

/// From the counts that move with the rows, however many these are.
pub async fn progress(conn: &mut PgConnection, alert: AlertId) -> sqlx::Result<Progress> {
    let rows = sqlx::query!(
        r#"select channel as "channel!", state as "state!", sum(rows)::bigint as "rows!" from (
            select channel, state, rows from delivery_tally where alert_id = $1 and what = 'state'
            union all
            select channel, state, rows from delivery_change where alert_id = $1 and what = 'state') as counted
        group by 1, 2"#,
        alert.0
    )
    .fetch_all(conn)
    .await?;
    let mut progress = Progress::default();
    for row in rows {
        let tally = match row.channel.as_str() {
            "sms" => &mut progress.sms,
            "email" => &mut progress.email,
            _ => &mut progress.endpoints,
        };
        tally.add(&row.state, row.rows);
    }
    Ok(progress)
}

/// The bar of a tally, which says its numbers to a screen reader.
pub fn bar(v: &View, tally: &Tally) -> Markup {
    let label = format!(
        "{} {}, {} {}, {} {}, {} {}",
        tally.delivered,
        v.t("delivery-delivered"),
        tally.sent,
        v.t("delivery-sent"),
        tally.waiting,
        v.t("delivery-waiting"),
        tally.failed,
        v.t("delivery-failed")
    );
    let parts = [("ok", tally.delivered), ("sent", tally.sent), ("bad", tally.failed), ("wait", tally.waiting)];
    parts_bar(&label, &parts)
}

/// One row of the outbox without what would identify a person.
#[derive(Clone, Debug, Serialize)]
pub struct Recipient {
    pub channel: String,
    /// "•••• 4321", "m•••@example.org"; of an endpoint its name.
    pub address: String,
    pub area: Option<String>,
    pub state: String,
    pub reason: String,
    pub attempts: i32,
    pub final_at: Option<Instant>,
}

/// Recipients a page at a time, those in trouble first.
pub async fn recipients(
    conn: &mut PgConnection,
    alert: AlertId,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Recipient>> {
    let rows = sqlx::query!(
        r#"select o.channel, o.address, r.name as "area?", e.name as "endpoint?", o.state, o.reason, o.attempts,
                  coalesce(o.final_at, o.accepted_at) as final_at
           from outbox o left join risk_area r on r.id = o.area_id left join endpoint e on e.id = o.endpoint_id
           where o.alert_id = $1
           order by array_position(array['rejected', 'undelivered', 'expired', 'unknown', 'pending', 'sending', 'accepted',
                                         'delivered', 'suppressed'], o.state), o.priority, o.id
           limit $2 offset $3"#,
        alert.0,
        limit,
        offset
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Recipient {
            reason: mask_within(&row.reason, &row.address),
            // Endpoints are no persons.
            address: row.endpoint.unwrap_or_else(|| mask(&row.address)),
            channel: row.channel,
            area: row.area,
            state: row.state,
            attempts: row.attempts,
            final_at: row.final_at,
        })
        .collect())
}

/// Enough to recognise one's own address, too little to learn another's.
pub fn mask(address: &str) -> String {
    if let Some((user, domain)) = address.split_once('@') {
        return format!("{}•••@{domain}", user.chars().next().unwrap_or('•'));
    }
    let digits: Vec<char> = address.chars().collect();
    let tail: String = digits.iter().skip(digits.len().saturating_sub(4)).collect();
    format!("•••• {tail}")
}

/// Servers like to repeat the address in what they answer ("550 <maria@example.org> unknown").
pub fn mask_within(reason: &str, address: &str) -> String {
    let bare = address.trim_start_matches('+');
    if bare.is_empty() {
        return reason.to_owned();
    }
    reason.replace(address, &mask(address)).replace(bare, &mask(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_a_server_repeats_is_masked_too() {
        assert_eq!(
            mask_within("550 <maria@example.org> unknown", "maria@example.org"),
            "550 <m•••@example.org> unknown"
        );
        assert_eq!(mask_within("no route to 5532999990000", "+5532999990000"), "no route to •••• 0000");
    }

    #[test]
    fn addresses_are_masked() {
        assert_eq!(mask("+5532999994321"), "•••• 4321");
        assert_eq!(mask("maria.souza@example.org"), "m•••@example.org");
        assert_eq!(mask(""), "•••• ");
    }
}
