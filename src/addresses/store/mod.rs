//! The register in PostgreSQL: what is asked of it.

pub mod import;

use sqlx::PgConnection;

use super::find::{self, Fit, House, Street};
use super::key;
use super::written::{self, Mode, Written};
use super::{Candidate, Found, How, MOST};
use crate::reports::Spot;
use crate::reports::words::is_like;

/// Streets of one name that are looked at.
const MOST_STREETS: i64 = 500;
/// Letters from which on a wrong one is forgiven.
const LEAST_LIKE: usize = 5;
/// Words of a neighbourhood's name, and words of a text in which one is looked for.
const NEIGHBOURHOOD_WORDS: usize = 5;
const MOST_BESIDE: usize = 60;
/// How far from a neighbourhood that the words name an address may lie, in degrees (some 1.1 km).
const NEAR_DEG: f64 = 0.01;
/// The same for the middle of a CEP, beyond what it reaches, in metres.
const NEAR_M: f64 = 1100.0;

/// What a text means by the register.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut PgConnection, text: &str, mode: Mode) -> sqlx::Result<Found> {
    let (mut sure, mut others) = (Vec::new(), Vec::new());
    // An address with a number that nobody knows, or that may be several, may be the one that is meant.
    let mut is_open = false;
    for written in written::read(text, mode) {
        match mean(&mut *conn, &written).await? {
            Found::One(candidate) => sure.push(candidate),
            Found::Several(candidates) => {
                is_open |= written.number.is_some();
                others.extend(candidates);
            }
            Found::Nothing => is_open |= written.number.is_some(),
        }
    }
    sure.dedup();
    let mut doors = sure.iter().filter(|one| matches!(one.how, How::Number | How::Between));
    if let (Some(door), None, false) = (doors.next(), doors.next(), is_open) {
        return Ok(Found::One(door.clone()));
    }
    if sure.len() == 1 && !is_open {
        return Ok(Found::One(sure.remove(0)));
    }
    sure.extend(others);
    sure.truncate(MOST);
    Ok(if sure.is_empty() { Found::Nothing } else { Found::Several(sure) })
}

/// Addresses that what was typed so far may become, the likeliest first.
///
/// # Errors
/// What the database says.
pub async fn suggest(conn: &mut PgConnection, typed: &str) -> sqlx::Result<Vec<Candidate>> {
    let found = find(&mut *conn, typed, Mode::Field).await?;
    if let Found::One(candidate) = found {
        return Ok(vec![candidate]);
    }
    let mut all = found.candidates().to_vec();
    if let Some(written) = written::read(typed, Mode::Field).into_iter().next() {
        let streets = beginning(&mut *conn, &written.name).await?;
        let houses = houses(conn, &streets, written.number).await?;
        let (begun, is_of_kind) = find::listed(&written, &streets, &houses);
        if is_of_kind {
            all.extend(begun);
        }
    }
    let mut unlike: Vec<Candidate> = Vec::new();
    for candidate in all {
        if unlike.len() < MOST && !unlike.iter().any(|known| known.label == candidate.label) {
            unlike.push(candidate);
        }
    }
    Ok(unlike)
}

/// One reading of a text.
async fn mean(conn: &mut PgConnection, written: &Written) -> sqlx::Result<Found> {
    let (fit, streets) = streets(&mut *conn, written).await?;
    if !streets.is_empty() {
        let houses = houses(&mut *conn, &streets, written.number).await?;
        match find::decide(written, fit, &streets, &houses) {
            Found::Nothing => {}
            Found::One(one) if contradicts(&mut *conn, written, &streets, &one).await? => {
                return Ok(Found::Several(vec![one]));
            }
            found => return Ok(found),
        }
    }
    let Some(cep) = &written.cep else { return Ok(Found::Nothing) };
    Ok(postcode(conn, cep).await?.map_or(Found::Nothing, Found::One))
}

/// The streets that are meant: those whose whole name is written, else those whose name ends so, else those that are written nearly so.
async fn streets(conn: &mut PgConnection, written: &Written) -> sqlx::Result<(Fit, Vec<Street>)> {
    let name = &written.name;
    if name.is_empty() {
        return Ok((Fit::Whole, Vec::new()));
    }
    let begins: Vec<String> = (1..=name.len()).filter_map(|end| Some(name.get(..end)?.join(" "))).collect();
    let mut found = by_keys(&mut *conn, &begins).await?;
    let longest = found.iter().map(|street| street.words.len()).max().unwrap_or(0);
    found.retain(|street| street.words.len() == longest);
    if longest == name.len() {
        return Ok((Fit::Whole, found));
    }
    // What stands behind a shorter name is its neighbourhood, or the name is another.
    if found.iter().any(|street| find::is_rest(written, street)) {
        found.retain(|street| find::is_rest(written, street));
        return Ok((Fit::Whole, found));
    }
    let tails: Vec<Street> = with_words(&mut *conn, name).await?;
    let tails: Vec<Street> = tails.into_iter().filter(|street| street.words.ends_with(name)).collect();
    if name.len() > 1 && !tails.is_empty() {
        return Ok((Fit::Tail, tails));
    }
    if !found.is_empty() {
        return Ok((Fit::Alike, found));
    }
    let key = name.join(" ");
    let found = if key.len() >= LEAST_LIKE { like(conn, &key).await? } else { Vec::new() };
    Ok((Fit::Alike, if found.is_empty() { tails } else { found }))
}

/// Whether the words name a neighbourhood that lies elsewhere than the address.
async fn contradicts(
    conn: &mut PgConnection,
    written: &Written,
    streets: &[Street],
    one: &Candidate,
) -> sqlx::Result<bool> {
    if let Some(cep) = &written.cep
        && is_far_from(&mut *conn, cep, one).await?
    {
        return Ok(true);
    }
    let is_of_kind = |street: &&Street| written.kind.is_empty() || street.kind == written.kind;
    if streets.iter().filter(is_of_kind).any(|street| find::is_named(written, street)) {
        return Ok(false);
    }
    let mut words = key::words(&written.beside);
    words.truncate(MOST_BESIDE);
    let mut names: Vec<String> = Vec::new();
    for length in 1..=NEIGHBOURHOOD_WORDS {
        names.extend(words.windows(length).map(|words| words.join(" ")));
    }
    if names.is_empty() {
        return Ok(false);
    }
    sqlx::query_scalar!(
        r#"select coalesce(bool_and(not st_dwithin(middle, st_setsrid(st_makepoint($2, $3), 4326), $4)), false) as "elsewhere!"
           from address_street where neighbourhood_key = any($1)"#,
        &names,
        one.spot.lon,
        one.spot.lat,
        NEAR_DEG
    )
    .fetch_one(conn)
    .await
}

/// Whether the CEP is known, and each source puts it elsewhere than the address.
async fn is_far_from(conn: &mut PgConnection, cep: &str, one: &Candidate) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select coalesce(bool_and(
               st_distance(middle::geography, st_setsrid(st_makepoint($2, $3), 4326)::geography) > reach_m + $4::float8), false)
               as "is_far!"
           from address_postcode where cep = $1"#,
        cep,
        one.spot.lon,
        one.spot.lat,
        NEAR_M
    )
    .fetch_one(conn)
    .await
}

/// A street as its table has it.
struct Row {
    id: i64,
    kind: String,
    words: Vec<String>,
    name: String,
    neighbourhood: String,
    neighbourhood_key: String,
    ceps: Vec<String>,
    lon: f64,
    lat: f64,
    reach_m: i32,
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

impl From<Row> for Street {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            words: row.words,
            name: row.name,
            neighbourhood: row.neighbourhood,
            neighbourhood_key: row.neighbourhood_key,
            ceps: row.ceps,
            middle: Spot { lon: row.lon, lat: row.lat, precision_m: row.reach_m },
            bounds: [row.west, row.south, row.east, row.north],
        }
    }
}

fn all(rows: Vec<Row>) -> Vec<Street> {
    rows.into_iter().map(Street::from).collect()
}

async fn by_keys(conn: &mut PgConnection, keys: &[String]) -> sqlx::Result<Vec<Street>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, kind, words, name, neighbourhood, neighbourhood_key, ceps, st_x(middle) as "lon!", st_y(middle) as "lat!",
               reach_m, west, south, east, north
           from address_street where key = any($1) order by length(key) desc, id limit $2"#,
        keys,
        MOST_STREETS
    );
    Ok(all(rows.fetch_all(conn).await?))
}

async fn with_words(conn: &mut PgConnection, words: &[String]) -> sqlx::Result<Vec<Street>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, kind, words, name, neighbourhood, neighbourhood_key, ceps, st_x(middle) as "lon!", st_y(middle) as "lat!",
               reach_m, west, south, east, north
           from address_street where words @> $1 order by length(key), id limit $2"#,
        words,
        MOST_STREETS
    );
    Ok(all(rows.fetch_all(conn).await?))
}

/// Those with the last word only begun.
async fn beginning(conn: &mut PgConnection, words: &[String]) -> sqlx::Result<Vec<Street>> {
    let Some((last, whole)) = words.split_last() else { return Ok(Vec::new()) };
    let rows = sqlx::query_as!(
        Row,
        r#"select id, kind, words, name, neighbourhood, neighbourhood_key, ceps, st_x(middle) as "lon!", st_y(middle) as "lat!",
               reach_m, west, south, east, north
           from address_street
           where words @> $1 and (starts_with(key, $2) or strpos(key, ' ' || $2) > 0)
           order by not starts_with(key, $3), length(key), id limit 60"#,
        whole,
        last,
        words.join(" ")
    );
    Ok(all(rows.fetch_all(conn).await?))
}

/// Those of which one letter is another, missing or too many. Of a key the beginning or the end is right then.
async fn like(conn: &mut PgConnection, key: &str) -> sqlx::Result<Vec<Street>> {
    let length = i32::try_from(key.chars().count()).unwrap_or(i32::MAX);
    let (begin, end): (String, String) =
        (key.chars().take(2).collect(), key.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect());
    let rows = sqlx::query_as!(
        Row,
        r#"select id, kind, words, name, neighbourhood, neighbourhood_key, ceps, st_x(middle) as "lon!", st_y(middle) as "lat!",
               reach_m, west, south, east, north
           from address_street
           where length(key) between $1::integer - 1 and $1::integer + 1 and (left(key, 2) = $2 or right(key, 2) = $3)
           order by id limit 2000"#,
        length,
        begin,
        end
    );
    let near = all(rows.fetch_all(conn).await?);
    Ok(near.into_iter().filter(|street| is_like(&street.words.join(" "), key, 1)).collect())
}

/// Houses with the number on these streets, and the next ones below and above it on the same side.
async fn houses(conn: &mut PgConnection, streets: &[Street], number: Option<u32>) -> sqlx::Result<Vec<House>> {
    let number = number.and_then(|number| i32::try_from(number).ok());
    let Some(number) = number.filter(|_| !streets.is_empty()) else { return Ok(Vec::new()) };
    let ids: Vec<i64> = streets.iter().map(|street| street.id).collect();
    let rows = sqlx::query!(
        r#"select h.street_id as "street!", h.number as "number!", h.suffix as "suffix!", st_x(h.geom) as "lon!",
               st_y(h.geom) as "lat!", h.accuracy_m as "accuracy_m!"
           from unnest($1::bigint[]) as s (id) cross join lateral (
               (select * from address a where a.street_id = s.id and a.number = $2 order by a.suffix limit 30)
               union all
               (select * from address a where a.street_id = s.id and a.number < $2 and a.number % 2 = $2 % 2
                order by a.number desc limit 1)
               union all
               (select * from address a where a.street_id = s.id and a.number > $2 and a.number % 2 = $2 % 2
                order by a.number limit 1)) h"#,
        &ids,
        number
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| House {
            street: row.street,
            number: u32::try_from(row.number).unwrap_or_default(),
            suffix: row.suffix,
            spot: Spot { lon: row.lon, lat: row.lat, precision_m: row.accuracy_m },
        })
        .collect())
}

/// The middle of the addresses of a CEP; of two sources the one that knows it better.
pub async fn postcode(conn: &mut PgConnection, cep: &str) -> sqlx::Result<Option<Candidate>> {
    let row = sqlx::query!(
        r#"select street, st_x(middle) as "lon!", st_y(middle) as "lat!", reach_m from address_postcode
           where cep = $1 order by reach_m, source limit 1"#,
        cep
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let (area, rest) = cep.split_at(5.min(cep.len()));
        let street = if row.street.is_empty() { String::new() } else { format!(" ({})", row.street) };
        let spot = Spot { lon: row.lon, lat: row.lat, precision_m: row.reach_m };
        Candidate { label: format!("CEP {area}-{rest}{street}"), spot, how: How::Cep }
    }))
}
