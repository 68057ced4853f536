//! Many occurrences: numbers without a gap whoever takes calls at once, joinings that are taken back whole, and ten thousand open ones on
//! one page.

use axum::http::StatusCode;
use futures_util::future::join_all;
use sentinela::accounts::Role;
use sentinela::occurrences::AT_WORK;
use sentinela::occurrences::store::list::{self, Wish};

use super::*;

#[tokio::test]
async fn numbers_have_no_gap_whoever_takes_calls_at_the_same_time_and_whatever_is_refused() {
    let site = Site::new().await;
    let token = site.token(Role::Operator).await;
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    // Each third call is refused: it is put to an occurrence that is not there.
    let calls = (0..30).map(|n| {
        let mut body = json!({ "id": format!("0123456789abcdef-{n}"), "kind": "fire", "place": format!("Rua {n}") });
        if n % 3 == 2 {
            body["into"] = json!(uuid::Uuid::from_u128(7));
        }
        let bytes = body.to_string().into_bytes();
        let (site, headers) = (&site, &headers);
        async move { site.ask("POST", "/api/v1/occurrences", headers, bytes).await.status }
    });
    // Meanwhile others draw a number and fail after that.
    let failing = (0..12).map(|_| {
        let pool = site.db.pool.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            sentinela::alerts::store::next_number(&mut tx, "occurrence", 2026).await.unwrap();
            tx.rollback().await.unwrap();
        }
    });
    let (answers, _) = futures_util::future::join(join_all(calls), join_all(failing)).await;
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::CREATED).count(), 20, "{answers:?}");
    let numbers = site.text("select number from occurrence order by number").await;
    let wanted: Vec<String> = (1..=20).map(|n| format!("2026/{n:03}")).collect();
    assert_eq!(numbers, wanted);
    assert_eq!(site.number("select last_number::bigint from number_series where series = 'occurrence'").await, 20);
}

/// Everything of an occurrence that a joining touches.
const STANDING: &str = "select concat_ws(' ', o.number, o.state, o.confirmed_at, o.trust, o.pressing, o.kind, o.merged_into,
        st_astext(o.geom), o.precision_m, i.number, (select string_agg(s.report_id::text || s.trust || s.weight, ',' order by s.report_id)
            from report_standing s where s.occurrence_id = o.id))
    from occurrence o left join incident i on i.id = o.incident_id order by o.number";

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

#[tokio::test]
async fn joinings_that_are_taken_back_in_turn_leave_everything_as_it_was() {
    let site = Site::new().await;
    let mut cases = Vec::new();
    for n in 0..6 {
        let (lat, lon) = place(f64::from(n) * 700.0);
        let contact = format!("{n}@exemplo.invalid");
        let fields = [
            ("kind", "landslide"),
            ("text", "caiu"),
            ("lat", lat.as_str()),
            ("lon", lon.as_str()),
            ("accuracy_m", "8"),
            ("contact", contact.as_str()),
        ];
        site.report(&fields).await;
        cases.push(site.occurrence().await);
    }
    // Some are confirmed, one has an incident, one was placed by hand.
    site.act(&format!("{}/decide", cases[1]), &[("to", "confirmed")]).await;
    site.act(&format!("{}/incident", cases[2]), &[("title", "Chuva")]).await;
    site.act(&format!("{}/place", cases[3]), &[("lat", "-21.752"), ("lon", "-43.391")]).await;
    let mut dice = Dice(2026);
    for _ in 0..8 {
        let before = site.text(STANDING).await;
        let mut open: Vec<usize> = (0..cases.len()).collect();
        let mut joined = Vec::new();
        for _ in 0..=dice.below(5) {
            let from = open.remove(dice.below(open.len()));
            let into = open[dice.below(open.len())];
            let number = format!("2026/{:03}", into + 1);
            let answer = site.act(&format!("{}/merge", cases[from]), &[("into", &number)]).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
            joined.push(from);
        }
        assert_ne!(site.text(STANDING).await, before);
        let unreasoned = site.act(&format!("{}/unmerge", cases[joined[0]]), &[]).await;
        assert_eq!(unreasoned.status, StatusCode::BAD_REQUEST);
        while let Some(from) = joined.pop() {
            let answer = site.act(&format!("{}/unmerge", cases[from]), &[("reason", "eram dois")]).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        }
        assert_eq!(site.text(STANDING).await, before);
    }
}

#[tokio::test]
async fn what_was_decided_after_a_joining_is_not_undone_with_it() {
    let site = Site::new().await;
    for n in 0..2 {
        let (lat, lon) = place(f64::from(n) * 700.0);
        let contact = format!("{n}@exemplo.invalid");
        site.report(&[("kind", "landslide"), ("lat", &lat), ("lon", &lon), ("accuracy_m", "8"), ("contact", &contact)])
            .await;
    }
    let ids = site.text("select id::text from occurrence order by number").await;
    let path = |n: usize, act: &str| format!("/console/reports/{}/{act}", ids[n]);
    site.act(&path(1, "merge"), &[("into", "2026/001")]).await;
    site.act(&path(0, "decide"), &[("to", "confirmed")]).await;
    site.act(&path(1, "unmerge"), &[("reason", "eram dois")]).await;
    assert_eq!(site.text("select state from occurrence order by number").await, ["confirmed", "new"]);
    let again = site.act(&path(1, "unmerge"), &[("reason", "eram dois")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

/// Ten thousand open occurrences over the town, each with the report it was opened by.
const MANY: &str = "
    insert into occurrence (id, number, kind, state, geom, precision_m, opened_at, first_at, last_at, cobrade, priority, priority_rule,
            decided_at)
        select ('00000000-0000-0000-0000-' || lpad(to_hex(n), 12, '0'))::uuid, '2026/' || lpad(n::text, 5, '0'), 'landslide',
            (array['new', 'confirmed', 'dispatched', 'on_scene', 'resolved'])[1 + n % 5],
            st_setsrid(st_makepoint(-43.4 + (n % 131) / 1200.0, -21.76 + (n % 97) / 4000.0), 4326), 20,
            timestamptz '2026-02-22T12:00:00Z' - n * interval '7 seconds', timestamptz '2026-02-22T12:00:00Z', timestamptz '2026-02-22T12:00:00Z',
            '1.1.3.2.1', 1 + n % 4, 1 + n % 4, case when n % 5 > 0 then timestamptz '2026-02-22T12:00:00Z' end
        from generate_series(1, 10000) n;
    insert into report (id, protocol, idempotency_key, source, kind, words, place, place_from, observed_at, received_at, language, reporter,
            standing)
        select o.id, 'R' || o.number, 'many-' || o.number, 'web', 'landslide', 'barranco caiu', 'Rua A', 'unknown', o.first_at, o.first_at,
            'pt-BR', '\\x00000000000000000000000000000000', 'contact'
        from (select id, replace(number, '/', '-') as number, first_at from occurrence) o;
    insert into report_standing (report_id, occurrence_id, because, trust, reasons, weight)
        select id, id, '{\"why\":\"first_here\"}', 0.35, '[]', 0.35 from occurrence;
    analyze occurrence; analyze report; analyze report_standing;";

#[tokio::test]
async fn ten_thousand_open_cases_are_listed_mapped_and_boarded() {
    let site = Site::new().await;
    sqlx::raw_sql(MANY).execute(&site.db.pool).await.unwrap();
    for view in ["list", "map", "board"] {
        let path = format!("/console/occurrences?view={view}");
        let warm = site.page(&path).await;
        assert_eq!(warm.status, StatusCode::OK, "{}", warm.text);
        assert!(warm.text.contains("10.000 ocorrências"), "{view}");
    }
}

#[tokio::test]
async fn pages_of_the_list_hold_every_case_once_in_the_order_of_urgency() {
    let site = Site::new().await;
    sqlx::raw_sql(MANY).execute(&site.db.pool).await.unwrap();
    let mut conn = site.app.db.web.acquire().await.unwrap();
    let (wish, now) = (Wish { states: AT_WORK.to_vec(), ..Wish::default() }, site.app.clock.now());
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let lines = list::lines(&mut conn, &wish, now, after, 900).await.unwrap();
        let Some(last) = lines.last() else { break };
        after = Some(last.cursor());
        seen.extend(lines.iter().map(|line| (line.priority, std::cmp::Reverse(line.opened_at), line.id)));
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "each later than the one before, and so none twice");
    assert_eq!(seen.len(), 10_000);
    let (spots, lost) = list::spots(&mut conn, &wish, now).await.unwrap();
    assert_eq!((spots.iter().map(|spot| spot.count).sum::<i64>(), lost), (10_000, 0));
    assert!(spots.len() < 1200, "{}", spots.len());
}
