//! Back-off of failed sign-ins, kept in the database: by account, by address, and apart for browsers known from before.
//!
//! A try is counted before it is judged and taken back when it was right, so that a thousand tries at the same moment are
//! no thousand guesses. While somebody waits nothing is counted, so that nobody can make the wait endless: it grows only by
//! tries that were judged. Whoever keeps an account waiting keeps strangers out: the account's own browsers have a count of
//! their own (the "device cookie" of OWASP), and a new password by e-mail clears the account's.

use std::net::IpAddr;

use chrono::TimeDelta;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::store::doors;
use crate::clock::Instant;

/// Free tries at an account before waiting starts. The code of the second step counts too.
pub const FREE_AT_ACCOUNT: i32 = 5;
/// Free tries from an address: a whole town hall may stand behind one.
pub const FREE_FROM_ADDRESS: i32 = 20;
/// At so many failures the person is told by e-mail.
pub const TELL_AT: i32 = 10;
const MAX_WAIT_S: i64 = 900;

fn forget_after() -> TimeDelta {
    TimeDelta::hours(24)
}

/// Seconds to wait after so many failures: none for the free ones, then 2, 4, 8 … 900.
pub fn wait_s(failures: i32, free: i32) -> i64 {
    match failures.saturating_sub(free) {
        ..=0 => 0,
        more => (1_i64 << more.min(10)).min(MAX_WAIT_S),
    }
}

/// Somebody at the door.
#[derive(Clone, Debug)]
pub struct Knock {
    /// Key and free tries of each count this try falls under.
    counts: Vec<(Vec<u8>, i32)>,
}

/// Whether they may try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Wait {
        seconds: i64,
    },
    /// The try is counted as a failure until it is taken back. `failures` at this account, this one included.
    Try {
        failures: i32,
    },
}

fn key(kind: &str, what: &str) -> Vec<u8> {
    Sha256::digest(format!("{kind}\0{what}").as_bytes()).to_vec()
}

/// The address whose tries are counted together: of IPv6 the network of 64 bits that one subscriber has.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

impl Knock {
    /// `browser` is the token of a browser this person signed in from before.
    pub fn new(username: &str, address: Option<IpAddr>, browser: Option<&str>) -> Self {
        let at_account = match browser {
            Some(token) => key("browser", &format!("{username}\0{token}")),
            None => key("account", username),
        };
        let mut counts = vec![(at_account, FREE_AT_ACCOUNT)];
        if let Some(address) = address {
            counts.push((key("address", &network(address)), FREE_FROM_ADDRESS));
        }
        Self { counts }
    }

    /// Counts the try, or says how long to wait.
    pub async fn enter(&self, conn: &mut PgConnection, now: Instant) -> sqlx::Result<Answer> {
        doors::sweep(&mut *conn, now, forget_after()).await?;
        let mut seconds = 0;
        for (key, free) in &self.counts {
            let failures = doors::failures(&mut *conn, key).await?;
            let free_at = failures.map_or(now, |known| known.last_at + TimeDelta::seconds(wait_s(known.count, *free)));
            // Rounded up, so that nobody is told to wait zero seconds.
            seconds = seconds.max(((free_at - now).num_milliseconds() + 999) / 1000);
        }
        if seconds > 0 {
            return Ok(Answer::Wait { seconds });
        }
        let mut failures = 0;
        for (key, _) in self.counts.iter().rev() {
            failures = doors::count_failure(&mut *conn, now, key, forget_after()).await?;
        }
        Ok(Answer::Try { failures })
    }

    /// The try was right, but the sign-in is not done: it counts as none, and earlier failures stay.
    pub async fn take_back(&self, conn: &mut PgConnection) -> sqlx::Result<()> {
        for (key, _) in &self.counts {
            doors::take_back(&mut *conn, key).await?;
        }
        Ok(())
    }

    /// Signed in: what was counted at the account is forgotten. The address keeps its earlier failures, or one good
    /// account would buy guesses at all others.
    pub async fn succeeded(&self, conn: &mut PgConnection) -> sqlx::Result<()> {
        self.take_back(&mut *conn).await?;
        match self.counts.first() {
            Some((key, _)) => doors::forget_failures(conn, key).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_after_the_free_tries_up_to_a_quarter_of_an_hour() {
        let waits: Vec<i64> = (4..18).map(|failures| wait_s(failures, FREE_AT_ACCOUNT)).collect();
        assert_eq!(waits, [0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(wait_s(i32::MAX, FREE_AT_ACCOUNT), 900);
    }

    #[test]
    fn one_subscriber_is_one_address() {
        let parse = |text: &str| network(text.parse().unwrap());
        assert_eq!(parse("2001:db8:1:2::1"), parse("2001:db8:1:2:ffff::9"));
        assert_ne!(parse("2001:db8:1:2::1"), parse("2001:db8:1:3::1"));
        assert_eq!(parse("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
