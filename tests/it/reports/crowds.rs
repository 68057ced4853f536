//! Many who say the same: neighbours behind one address, invented names, and what joins when it is decided already.

use super::*;

#[tokio::test]
async fn what_one_reporter_or_one_address_sends_beyond_some_an_hour_is_kept_and_doubted() {
    let mut site = Site::new().await;
    let said = |text: &str, contact: &str| {
        [("kind", "other"), ("text", text), ("place", "por aí"), ("contact", contact)]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
    };
    let many = "select count(*) from report where 'many' = any(doubts)";
    for n in 0..8 {
        let fields = said(&format!("coisa {n}"), "a@b.invalid");
        site.report(&fields.each_ref().map(|(name, text)| (name.as_str(), text.as_str()))).await;
    }
    assert_eq!(site.number(many).await, 2);
    site.come_from(9);
    for n in 0..14 {
        let fields = said("coisa", &format!("p{n}@b.invalid"));
        site.report(&fields.each_ref().map(|(name, text)| (name.as_str(), text.as_str()))).await;
    }
    assert_eq!(site.number(many).await, 4);
    site.come_from(10);
    site.report(&[("kind", "other"), ("text", "coisa"), ("place", "por aí")]).await;
    assert_eq!((site.number(many).await, site.number("select count(*) from report").await), (4, 23));
}

#[tokio::test]
async fn neighbours_behind_one_address_without_a_contact_are_more_than_one_person() {
    let mut site = Site::new().await;
    site.come_from(9);
    let (lat, lon) = place(0.0);
    for _ in 0..7 {
        site.report(&[("kind", "landslide"), ("lat", &lat), ("lon", &lon), ("accuracy_m", "8")]).await;
    }
    assert_eq!(site.number("select count(distinct reporter) from report").await, 7);
    assert_eq!(site.number("select count(*) from report where doubts <> '{}'").await, 0);
}

#[tokio::test]
async fn invented_contacts_behind_one_address_sum_to_little() {
    let mut site = Site::new().await;
    site.come_from(9);
    let send = async |site: &Site, n: u32| {
        let body = json!({"id": format!("3e9f8c1a-aaaa-bbbb-cccc-{n:04}"), "kind": "landslide", "lat": -21.75,
            "lon": -43.395, "accuracy_m": 10, "contact": format!("p{n}@exemplo.invalid")});
        assert_eq!(site.api(&[], body).await.status, StatusCode::CREATED);
    };
    for n in 0..30 {
        send(&site, n).await;
    }
    let sum = "select round(sum(weight) * 100)::bigint from report_standing";
    assert_eq!(site.number(sum).await, 105, "three strangers without a neighbour");
    assert_eq!(site.number("select count(*) from report").await, 30);
    // Somebody elsewhere says the same: one neighbour for each.
    site.come_from(10);
    send(&site, 30).await;
    assert_eq!(site.number(sum).await, 3 * 50 + 50);
}

#[tokio::test]
async fn what_joins_a_confirmed_occurrence_is_not_confirmed_by_that_and_does_not_move_it() {
    let site = Site::new().await;
    let say = async |contact: &str, north_m: f64, accuracy: &str| {
        let (lat, lon) = place(north_m);
        let fields = [
            ("kind", "landslide"),
            ("lat", lat.as_str()),
            ("lon", lon.as_str()),
            ("accuracy_m", accuracy),
            ("contact", contact),
        ];
        site.report(&fields).await
    };
    say("a@b.invalid", 0.0, "60").await;
    let occurrence = site.occurrence().await;
    let confirmed = site.act(&format!("{occurrence}/decide"), &[("to", "confirmed")]).await;
    assert_eq!(confirmed.status, StatusCode::SEE_OTHER, "{}", confirmed.text);
    site.pass(1);
    let where_it_is = "select st_y(geom)::text || ' ' || precision_m from occurrence";
    let before = site.text(where_it_is).await;
    say("c@d.invalid", 50.0, "0").await;
    let weights =
        "select s.weight::text from report_standing s join report r on r.id = s.report_id order by r.protocol";
    assert_eq!(site.text(weights).await, ["1", "0.5"]);
    assert_eq!(site.text(where_it_is).await, before);
    // Closing says that it is over, and nothing of who was right.
    let closed = site.act(&format!("{occurrence}/decide"), &[("to", "closed"), ("reason", "via liberada")]).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.text);
    assert_eq!(site.text(weights).await, ["1", "0.5"]);
}

#[tokio::test]
async fn joining_a_confirmed_occurrence_into_a_new_one_confirms_that_with_a_trace() {
    let site = Site::new().await;
    site.report(&[("kind", "landslide"), ("text", "um"), ("place", "Rua A")]).await;
    let first = site.occurrence().await;
    site.report(&[("kind", "landslide"), ("text", "dois"), ("place", "Rua A")]).await;
    site.act(&format!("{first}/decide"), &[("to", "confirmed")]).await;
    let joined = site.act(&format!("{first}/merge"), &[("into", "2026/002")]).await;
    assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.text);
    assert_eq!(site.text("select state from occurrence order by number").await, ["merged", "confirmed"]);
    assert_eq!(site.text("select weight::text from report_standing").await, ["1", "1"]);
    assert_eq!(site.number("select count(*) from audit_event where act = 'occurrence.confirm'").await, 2);
}
