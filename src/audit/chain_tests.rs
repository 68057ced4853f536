use super::*;

fn event(number: u8) -> Event {
    Event {
        id: Uuid::from_bytes([number; 16]),
        at: chrono::DateTime::from_timestamp(1_700_000_000 + i64::from(number), 0).unwrap(),
        actor_kind: "staff".into(),
        actor: "ana".into(),
        actor_id: None,
        via: "console".into(),
        address: Some("192.0.2.1".into()),
        act: "alert.issue".into(),
        object_kind: "alert".into(),
        object: number.to_string(),
        reason: String::new(),
        before: None,
        after: Some(r#"{"á": 1}"#.into()),
    }
}

fn link(previous: &[u8], seq: i64, event: Event) -> Link {
    let hash = hash(previous, &event, seq).to_vec();
    Link { seq, event_id: event.id, previous: previous.to_vec(), hash, event: Some(event) }
}

fn chain(length: u8) -> Vec<Link> {
    let mut previous = GENESIS.to_vec();
    (1..=length)
        .map(|number| {
            let link = link(&previous, number.into(), event(number));
            previous.clone_from(&link.hash);
            link
        })
        .collect()
}

fn anchor(link: &Link) -> Anchor {
    Anchor { seq: link.seq, hash: link.hash.clone().try_into().unwrap(), at: None }
}

fn verify(links: Vec<Link>, anchors: Vec<Anchor>) -> Vec<(Fault, Option<i64>, Option<i64>)> {
    let mut verifier = Verifier::new(anchors);
    links.into_iter().for_each(|link| verifier.link(link));
    verifier.finish().findings.iter().map(|found| (found.fault, found.seq, found.through)).collect()
}

#[test]
fn fields_are_told_apart_by_their_length_in_bytes() {
    assert!(text(&event(7), 12).starts_with("2:1236:07070707-"), "{}", text(&event(7), 12));
    assert!(text(&event(7), 12).ends_with("5:alert1:70:-9:{\"á\": 1}"), "{}", text(&event(7), 12));
}

#[test]
fn an_untouched_chain_has_no_fault_and_fits_its_heads() {
    let links = chain(9);
    let anchors = vec![anchor(&links[3]), anchor(&links[8])];
    assert_eq!(verify(links, anchors), []);
}

#[test]
fn a_changed_event_is_found_where_it_stands() {
    let mut links = chain(9);
    links[4].event.as_mut().unwrap().reason = "other".into();
    assert_eq!(verify(links, vec![]), [(Fault::Changed, Some(5), None)]);
}

#[test]
fn an_event_rewritten_with_its_hash_is_found_by_the_next_row() {
    let mut links = chain(9);
    let mut changed = links[4].event.clone().unwrap();
    changed.reason = "other".into();
    links[4] = link(&links[3].hash.clone(), 5, changed);
    assert_eq!(verify(links, vec![]), [(Fault::Rewritten, Some(5), Some(6))]);
}

#[test]
fn rows_that_are_gone_are_named() {
    let mut links = chain(9);
    links.drain(2..4);
    assert_eq!(verify(links, vec![]), [(Fault::Missing, Some(3), Some(4))]);
    let mut links = chain(9);
    links[5].event = None;
    assert_eq!(verify(links, vec![]), [(Fault::Missing, Some(6), None)]);
    assert_eq!(verify(chain(9).split_off(1), vec![]), [(Fault::Missing, Some(1), Some(1))]);
}

#[test]
fn swapped_places_and_swapped_events_are_both_a_reorder() {
    let mut links = chain(9);
    (links[2].seq, links[6].seq) = (7, 3);
    links.swap(2, 6);
    let reordered = [(Fault::Reordered, Some(3), Some(7)), (Fault::Reordered, Some(7), Some(3))];
    assert_eq!(verify(links, vec![]), reordered);
    let mut links = chain(9);
    let (a, b) = (links[2].event.clone(), links[6].event.clone());
    (links[2].event, links[6].event) = (b, a);
    assert_eq!(verify(links, vec![]), reordered);
}

#[test]
fn a_row_put_in_between_pushes_the_others_off_their_places() {
    let mut links = chain(4);
    let forged = link(&links[1].hash.clone(), 3, event(99));
    for moved in &mut links[2..] {
        moved.seq += 1;
    }
    links.insert(2, forged);
    let found = verify(links, vec![]);
    assert!(found.contains(&(Fault::Changed, Some(5), None)) || found.len() >= 2, "{found:?}");
    assert!(found.iter().all(|(_, seq, _)| seq.is_some_and(|place| place >= 3)), "{found:?}");
}

#[test]
fn a_missing_end_is_found_by_a_head_noted_elsewhere() {
    let links = chain(9);
    let anchors = vec![anchor(&links[3]), anchor(&links[8])];
    let short: Vec<Link> = links.into_iter().take(6).collect();
    assert_eq!(verify(short, anchors), [(Fault::Truncated, Some(7), Some(9))]);
}

#[test]
fn a_chain_computed_anew_is_found_between_two_heads() {
    let links = chain(9);
    let anchors = vec![anchor(&links[1]), anchor(&links[5]), anchor(&links[8])];
    let mut previous = links[2].hash.clone();
    let mut anew: Vec<Link> = links.iter().take(3).cloned().collect();
    for number in 4..=9_u8 {
        let mut event = event(number);
        event.actor = "bia".into();
        let link = link(&previous, number.into(), event);
        previous.clone_from(&link.hash);
        anew.push(link);
    }
    assert_eq!(verify(anew, anchors), [(Fault::Recomputed, Some(3), Some(6))]);
}

#[test]
fn a_head_is_read_as_it_is_written() {
    let head = anchor(&chain(1)[0]);
    let written = format!("{}:{}", head.seq, hex(&head.hash));
    assert_eq!(written.parse::<Anchor>().unwrap(), head);
    for wrong in ["", "1", "1:", "0:00", "x:00", "1:zz"] {
        assert!(wrong.parse::<Anchor>().is_err(), "{wrong}");
    }
}
