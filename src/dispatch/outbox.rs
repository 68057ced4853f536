//! The outbox as others see it: rows in, rows withdrawn, and the accounts.

use serde::{Deserialize, Serialize};

use super::decide::State;
pub use super::store::book::{audit, finished, progress, withdraw};
pub use super::store::enqueue::enqueue;

/// What `enqueue` wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Enqueued {
    pub sms: i64,
    pub email: i64,
    /// Channels kept back, each with its reason in its row.
    pub suppressed: i64,
    /// Residents inside whom no channel reaches.
    pub unreachable: i64,
    /// The audience is large: these are its first rows, and the dispatcher writes the rest.
    pub spreading: bool,
}

/// Rows of one alert by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeliveryCounts)]
pub struct Counts {
    pub pending: i64,
    pub sending: i64,
    pub accepted: i64,
    pub unknown: i64,
    pub delivered: i64,
    pub rejected: i64,
    pub undelivered: i64,
    pub expired: i64,
    pub suppressed: i64,
}

impl Counts {
    pub const fn add(&mut self, state: State, rows: i64) {
        let field = match state {
            State::Pending => &mut self.pending,
            State::Sending => &mut self.sending,
            State::Accepted => &mut self.accepted,
            State::Unknown => &mut self.unknown,
            State::Delivered => &mut self.delivered,
            State::Rejected => &mut self.rejected,
            State::Undelivered => &mut self.undelivered,
            State::Expired => &mut self.expired,
            State::Suppressed => &mut self.suppressed,
        };
        *field += rows;
    }

    /// Every row, whatever its state.
    pub const fn total(&self) -> i64 {
        self.to_send() + self.suppressed
    }

    /// Rows that were meant to leave.
    pub const fn to_send(&self) -> i64 {
        self.waiting() + self.handed_over() + self.failed()
    }

    /// Not handed to a provider yet.
    pub const fn waiting(&self) -> i64 {
        self.pending + self.sending
    }

    /// A provider has them, or may have.
    pub const fn handed_over(&self) -> i64 {
        self.accepted + self.unknown + self.delivered
    }

    pub const fn failed(&self) -> i64 {
        self.rejected + self.undelivered + self.expired
    }
}

/// Delivery of one alert, by channel and state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub sms: Counts,
    pub email: Counts,
    /// Webhooks, sirens and chats.
    pub endpoints: Counts,
    /// More rows are being written.
    pub spreading: bool,
}

impl Progress {
    pub const fn waiting(&self) -> i64 {
        self.sms.waiting() + self.email.waiting() + self.endpoints.waiting()
    }

    pub const fn total(&self) -> i64 {
        self.sms.total() + self.email.total() + self.endpoints.total()
    }
}

/// The proof for one alert: what was promised when it left against what the rows say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Accounts {
    /// Rows counted when the audience was written: recipients plus suppressed.
    pub promised: i64,
    /// Sum of all states now.
    pub found: i64,
    /// Rows whose lease ran out more than a lease ago and that nobody took back.
    pub stuck: i64,
}

impl Accounts {
    pub const fn balance(&self) -> bool {
        self.promised == self.found && self.stuck == 0
    }
}
