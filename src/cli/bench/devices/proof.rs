//! What the database says afterwards, held against what each gauge was told.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgPool;
use tokio::task::JoinSet;

use super::gauge::{Account, Kind};
use crate::cli::bench::stage::code;
use crate::clock::{Instant, Stopwatch};
use crate::journal;

/// Readers of the journal at once.
const READERS: usize = 3;
/// Latencies are computed from about so many readings.
const SAMPLES: i64 = 200_000;
const MARK_EVERY: Duration = Duration::from_millis(10);

/// How the accounts and the journal agree, in readings.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Balance {
    pub acknowledged: u64,
    pub in_the_journal: u64,
    /// Acknowledged and not there. The one number that must be 0.
    pub lost: u64,
    /// There more than once.
    pub twice: u64,
}

/// Compares gauge by gauge, so that neither side is ever in memory whole.
pub async fn balance(pool: &PgPool, accounts: Vec<Account>) -> anyhow::Result<Balance> {
    let rows = sqlx::query!("select s.code, d.id from datastream d join station s on s.id = d.station_id")
        .fetch_all(pool)
        .await?;
    let streams: HashMap<String, i64> = rows.into_iter().map(|row| (row.code, row.id)).collect();
    let mut by_device: HashMap<usize, Vec<Account>> = HashMap::new();
    for account in accounts {
        by_device.entry(account.device).or_default().push(account);
    }
    let mut parts: Vec<Vec<(i64, Vec<Account>)>> = (0..READERS).map(|_| Vec::new()).collect();
    for (index, (device, accounts)) in by_device.into_iter().enumerate() {
        let stream = streams.get(&code(device)).copied().unwrap_or_default();
        parts[index % READERS].push((stream, accounts));
    }
    let mut readers = JoinSet::new();
    for part in parts {
        readers.spawn(balance_of(pool.clone(), part));
    }
    let mut total = Balance::default();
    while let Some(part) = readers.join_next().await {
        let part = part??;
        total.acknowledged += part.acknowledged;
        total.in_the_journal += part.in_the_journal;
        total.lost += part.lost;
        total.twice += part.twice;
    }
    Ok(total)
}

async fn balance_of(pool: PgPool, gauges: Vec<(i64, Vec<Account>)>) -> anyhow::Result<Balance> {
    let mut balance = Balance::default();
    for (stream, accounts) in gauges {
        let rows = sqlx::query!(
            r#"select message_id as "message_id!", count(*) as "rows!", count(distinct observed_at) as "readings!"
               from journal where datastream_id = $1 group by message_id"#,
            stream
        )
        .fetch_all(&pool)
        .await?;
        let mut stored = HashMap::with_capacity(rows.len());
        for row in rows {
            balance.in_the_journal += row.rows.unsigned_abs();
            balance.twice += (row.rows - row.readings).unsigned_abs();
            stored.insert(row.message_id, row.readings.unsigned_abs());
        }
        let lists = accounts.iter().flat_map(|own| [(Kind::Live, &own.live), (Kind::Backlog, &own.backlog)]);
        for (kind, list) in lists {
            for (number, readings) in list.iter().enumerate().filter(|(_, readings)| **readings > 0) {
                let there = stored.get(&format!("{}-{number}", kind.as_str())).copied().unwrap_or(0);
                balance.acknowledged += u64::from(*readings);
                balance.lost += u64::from(*readings).saturating_sub(there);
            }
        }
    }
    Ok(balance)
}

/// How far the evaluator had come, and when.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub after: Duration,
    pub seq: i64,
}

/// Looks at the evaluator's cursor every ten milliseconds until it is aborted, and hands in each step.
pub async fn follow(pool: PgPool, watch: Stopwatch, marks: tokio::sync::mpsc::UnboundedSender<Mark>) {
    let mut tick = tokio::time::interval(MARK_EVERY);
    let mut last = 0;
    loop {
        tick.tick().await;
        let cursor = sqlx::query_scalar!(r#"select coalesce(max(seq), 0) as "seq!" from pipeline_cursor"#);
        match cursor.fetch_one(&pool).await {
            Ok(judged) if judged > last => {
                last = judged;
                if marks.send(Mark { after: watch.elapsed(), seq: judged }).is_err() {
                    return;
                }
            }
            _ => {}
        }
    }
}

/// From a live reading's measurement to its judgement.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    pub observed_after: Duration,
    pub took: Duration,
}

/// A sample of the live readings with how long each took until the cursor had passed it.
pub async fn judged(pool: &PgPool, from: Instant, marks: &[Mark]) -> anyhow::Result<Vec<Judged>> {
    let every = (marks.last().map_or(0, |mark| mark.seq) / SAMPLES).max(1);
    let rows = sqlx::query!(
        r#"select seq, observed_at from journal where mod(seq, $1) = 0 and message_id like 'live-%' order by seq"#,
        every
    )
    .fetch_all(pool)
    .await?;
    let taken = rows.into_iter().filter_map(|row| {
        let passed = marks.get(marks.partition_point(|mark| mark.seq < row.seq))?;
        let observed_after = (row.observed_at - from).to_std().ok()?;
        Some(Judged { observed_after, took: passed.after.saturating_sub(observed_after) })
    });
    Ok(taken.collect())
}

/// When the first reading that each station took after `since` had been judged, counted from `since`.
pub async fn first_judged(
    pool: &PgPool,
    from: Instant,
    since: Duration,
    marks: &[Mark],
) -> anyhow::Result<Vec<Duration>> {
    let newer_than = from + chrono::TimeDelta::from_std(since)?;
    let rows = sqlx::query!(
        r#"select min(seq) as "seq!" from journal where observed_at >= $1 and message_id like 'live-%' group by datastream_id"#,
        newer_than
    )
    .fetch_all(pool)
    .await?;
    let passed = rows.iter().filter_map(|row| marks.get(marks.partition_point(|mark| mark.seq < row.seq)));
    Ok(passed.map(|mark| mark.after.saturating_sub(since)).collect())
}

/// Waits until everything committed is judged; `false` when the evaluator stands still for a minute.
pub async fn all_judged(pool: &PgPool) -> anyhow::Result<bool> {
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let (mut last, mut still) = (0, Stopwatch::start());
    loop {
        tick.tick().await;
        let (judged, unjudged) = journal::unjudged(pool, 1).await?;
        if unjudged <= 0 {
            return Ok(true);
        }
        if judged.0 > last {
            (last, still) = (judged.0, Stopwatch::start());
        } else if still.elapsed() > Duration::from_secs(60) {
            return Ok(false);
        }
    }
}
