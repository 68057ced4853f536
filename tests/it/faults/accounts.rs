//! The accounts at the end: what others were told against what the database holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sentinela::audit::{anchors, verify};
use sentinela::journal;
use sentinela::risk::store::load_cursor;
use sqlx::PgPool;

use super::devices::READINGS_A_MESSAGE;
use super::service::Peer;
use crate::support::eventually;

/// Message ids in the journal. Each must be there whole, and once.
pub async fn journal(pool: &PgPool) -> BTreeSet<String> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select message_id, count(*) from journal group by message_id").fetch_all(pool).await.unwrap();
    for (id, count) in &rows {
        assert_eq!(*count, i64::from(READINGS_A_MESSAGE), "message {id} is whole and there once");
    }
    rows.into_iter().map(|(id, _)| id).collect()
}

/// What was acknowledged and is not in the journal.
pub async fn lost(pool: &PgPool, acked: &BTreeSet<String>) -> Vec<String> {
    acked.difference(&journal(pool).await).cloned().collect()
}

/// How far the evaluator is behind the end of the journal, in rows at most.
pub async fn behind(pool: &PgPool) -> i64 {
    let mut conn = pool.acquire().await.unwrap();
    let head = journal::head(&mut conn).await.unwrap().map_or(0, |head| head.seq.0);
    head - load_cursor(&mut conn).await.unwrap().seq.0
}

/// Waits until nothing is under way: each message has an end, and each reading is judged.
pub async fn settled(pool: &PgPool) {
    eventually("every message's end, and the evaluator at the journal's", || async {
        let open: i64 = sqlx::query_scalar("select count(*) from outbox where state in ('pending', 'sending')")
            .fetch_one(pool)
            .await
            .unwrap();
        (open == 0 && behind(pool).await == 0).then_some(())
    })
    .await;
}

/// The chain of the audit is whole.
pub async fn audit(pool: &PgPool, data: &Path) {
    let mut conn = pool.acquire().await.unwrap();
    let heads = anchors::path(data);
    let outcome = verify::verify(&mut conn, &heads, Vec::new(), |_| std::future::ready(Ok(()))).await.unwrap();
    assert_eq!(outcome.found, 0, "{:?}", outcome.findings);
}

/// What a message is to somebody who only sees it arrive: its reader and its words.
type Intent = (String, String);

/// Sums over all messages of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub recipients: i64,
    /// With no row, with more than one, or with one that has neither an end nor a next step.
    pub unaccounted: i64,
    /// Copies beyond the first of messages whose earlier copy ended unknown, as written down.
    pub copies_in_doubt: i64,
    /// Copies beyond those. None may be.
    pub other_copies: i64,
}

impl Sums {
    pub fn assert_right(&self) {
        assert_eq!((self.unaccounted, self.other_copies), (0, 0), "{self:?}");
    }
}

/// What a centre was handed, by its own account. Parts of a long message would be counted apart; no story sends one.
pub fn handed(centre: &Peer) -> BTreeMap<Intent, i64> {
    let mut copies = BTreeMap::new();
    for line in centre.lines().iter().filter(|line| line.get("submit").is_some()) {
        // A refusal is an answer: nothing was taken.
        if line["status"].as_i64().unwrap_or(0) == 0 {
            let word = |key: &str| line[key].as_str().unwrap().to_owned();
            *copies.entry((word("to"), word("text"))).or_default() += 1;
        }
    }
    copies
}

/// The same of a mail server, by the letters' readers and message ids.
pub fn taken(server: &Peer) -> BTreeMap<Intent, i64> {
    let mut copies = BTreeMap::new();
    for line in server.lines().iter().filter(|line| line.get("subject").is_some()) {
        let to = line["to"][0].as_str().unwrap().to_owned();
        *copies.entry((to, line["subject"].as_str().unwrap().to_owned())).or_default() += 1;
    }
    copies
}

/// Holds the outbox against what was handed over. `recipients`: how many there are to be.
pub async fn balance(pool: &PgPool, channel: &str, recipients: i64, copies: &BTreeMap<Intent, i64>) -> Sums {
    let rows: Vec<(String, String, bool, i64)> = sqlx::query_as(
        "select ltrim(o.address, '+'), case o.channel when 'sms' then a.sms_text else a.headline end,
            o.state in ('accepted', 'delivered', 'rejected', 'undelivered', 'expired')
                or (o.state = 'pending' and o.next_attempt_at is not null)
                or (o.state = 'sending' and o.lease_until is not null),
            (select count(distinct t.attempt) from outbox_attempt t where t.outbox_id = o.id and t.outcome = 'unknown')
         from outbox o join alert a on a.id = o.alert_id where o.channel = $1",
    )
    .bind(channel)
    .fetch_all(pool)
    .await
    .unwrap();
    let (mut sums, mut known) = (Sums { recipients, ..Sums::default() }, BTreeSet::new());
    let mut accounted = 0;
    for (address, words, has_step, doubts) in rows {
        let intent = (address, words);
        let extra = copies.get(&intent).map_or(0, |copies| copies - 1).max(0);
        sums.copies_in_doubt += extra.min(doubts);
        sums.other_copies += (extra - doubts).max(0);
        accounted += i64::from(known.insert(intent) && has_step);
    }
    sums.unaccounted = (recipients - accounted).abs();
    // What nobody meant to send.
    sums.other_copies +=
        copies.iter().filter(|(intent, _)| !known.contains(*intent)).map(|(_, copies)| copies).sum::<i64>();
    sums
}
