//! The rivers of a soak: people live at each, and one after the other floods.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgPool;

use super::{Arguments, Seen, held};
use crate::cli::bench::devices::wire::Line;
use crate::cli::bench::latency::{FLOOD, river};
use crate::cli::bench::stage::SECRET;
use crate::clock::{Clock, Instant};

/// More people at each river; the first of each came with it.
pub async fn settle_people(pool: &PgPool, arguments: &Arguments) -> anyhow::Result<()> {
    let rivers = i32::try_from(arguments.rivers())?;
    sqlx::query!(
        "with person as (
            insert into resident (id, consent_at, consent_source, fictional, created_at)
            select ('00000000-0000-4000-9000-' || lpad(to_hex(r::bigint * 10000 + n), 12, '0'))::uuid, $3, 'bench', true, $3
            from generate_series(0, $1::integer - 1) r, generate_series(1, $2::integer - 1) n returning id
        ), place as (
            insert into resident_place (resident_id, geom)
            select ('00000000-0000-4000-9000-' || lpad(to_hex(r::bigint * 10000 + n), 12, '0'))::uuid,
                st_setsrid(st_makepoint(-60.0 + 0.3 * (r % 30) + 0.005 * sin(n), -15.0 + 0.3 * (r / 30) + 0.005 * cos(n)), 4326)
            from generate_series(0, $1::integer - 1) r, generate_series(1, $2::integer - 1) n
        )
        insert into resident_channel (resident_id, kind, address, verified_at)
        select ('00000000-0000-4000-9000-' || lpad(to_hex(r::bigint * 10000 + n), 12, '0'))::uuid, 'sms',
            '+55319' || lpad(r::text, 4, '0') || lpad(n::text, 4, '0'), $3
        from generate_series(0, $1::integer - 1) r, generate_series(1, $2::integer - 1) n",
        rivers,
        arguments.people,
        Clock::System.now()
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The river at which a telephone lives.
pub fn river_of(telephone: &str) -> Option<usize> {
    let (head, rest) = telephone.trim_start_matches('+').split_at_checked(5)?;
    match head {
        "55329" => rest.parse().ok(),
        "55319" => rest.get(..4)?.parse().ok(),
        _ => None,
    }
}

pub async fn open_river(endpoint: SocketAddr, n: usize) -> anyhow::Result<Line> {
    let code = river(n);
    let from = SocketAddr::from(([127, 0, 200, 1], 0));
    Line::open(from, endpoint, &code, &code, SECRET).await.context("a river cannot connect")
}

pub async fn publish_level(mut line: Line, n: usize, level: &str, at: Instant) -> anyhow::Result<()> {
    let at = at.format("%Y-%m-%dT%H:%M:%S%.6fZ");
    let payload = format!(r#"{{"stream":"level","at":"{at}","value":{level},"unit":"m"}}"#);
    let topic = format!("v1/devices/{}/readings", river(n));
    line.publish(&topic, payload.as_bytes()).await.context("a river was not acknowledged")?;
    // How the connection ends says nothing more.
    let _ = line.close().await;
    Ok(())
}

/// Floods one river after the other.
pub(super) async fn flood(seen: Arc<Seen>, endpoint: SocketAddr, rivers: usize, every: Duration) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(every);
    // The first tick comes at once.
    tick.tick().await;
    for n in 0..rivers {
        tick.tick().await;
        let line = open_river(endpoint, n).await?;
        held(&seen.flooded).insert(n, seen.watch.elapsed());
        publish_level(line, n, FLOOD, Clock::System.now()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_tells_its_river() {
        assert_eq!(river_of("5532900000017"), Some(17));
        assert_eq!(river_of("+5531900170042"), Some(17));
        assert_eq!(river_of("40199"), None);
        assert_eq!(river_of(""), None);
    }
}
