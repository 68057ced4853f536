use super::*;

const SUBJECT: Uuid = Uuid::from_u128(7);

fn covered(seq: i32, key: &str, prev: Option<&str>) -> Covered {
    let mut link = RowLink {
        kind: "body".into(),
        seq,
        table: "body_vote".into(),
        key: key.into(),
        columns: vec!["choice".into(), "id".into()],
        row: "00".repeat(32),
        prev: prev.map(str::to_owned),
        hash: String::new(),
    };
    link.hash = hex(&hash((RowLink::SUBJECT, SUBJECT), seq, prev, link.content()));
    Covered { table: "body_vote".into(), key: key.into(), link: Some(link), fits: Some(true), is_whole: true }
}

fn rows() -> Vec<Covered> {
    let mut rows: Vec<Covered> = Vec::new();
    for (seq, key) in (1..).zip(["1", "2", "1"]) {
        let prev = rows.last().and_then(|row| row.link.as_ref()).map(|link| link.hash.clone());
        rows.push(covered(seq, key, prev.as_deref()));
    }
    // The first link of a row that was written again says what it was.
    rows[0].fits = Some(false);
    rows
}

fn place(rows: &[Covered]) -> Option<Option<i32>> {
    uncovered(SUBJECT, rows).map(|(seq, _)| seq)
}

#[test]
fn one_value_has_one_text() {
    assert_eq!(canonical(&json!({"b": [1, "x\"y"], "a": null})), r#"{"a":null,"b":[1,"x\"y"]}"#);
}

#[test]
fn a_hash_in_hexadecimal_reads_back_and_nothing_else_is_one() {
    let sum = sha256(b"a");
    assert_eq!(unhex(&hex(&sum)), Some(sum));
    assert_eq!((unhex("00"), unhex(&"zz".repeat(32)), unhex(&"é".repeat(32))), (None, None, None));
}

#[test]
fn a_row_is_held_against_its_last_link_alone() {
    assert_eq!(uncovered(SUBJECT, &rows()), None);
    assert_eq!(uncovered(Uuid::nil(), &rows()).map(|(seq, _)| seq), Some(Some(1)), "of another subject");
}

#[test]
fn a_link_that_was_changed_taken_out_or_moved_is_found() {
    let changes: [fn(&mut RowLink); 5] = [
        |link| link.key = "3".into(),
        |link| link.columns = vec!["id".into()],
        |link| link.row = "11".repeat(32),
        |link| link.kind = "budget".into(),
        |link| link.table = "body_decision".into(),
    ];
    for change in changes {
        let mut changed = rows();
        changed[1].link.iter_mut().for_each(change);
        assert_eq!(place(&changed), Some(Some(2)));
    }
    let mut without = rows();
    without.remove(1);
    assert_eq!(place(&without), Some(Some(3)));
}

#[test]
fn a_row_that_differs_is_gone_or_has_no_link_is_found() {
    let mut changed = rows();
    changed[1].fits = Some(false);
    assert_eq!(place(&changed), Some(Some(2)));
    let mut gone = rows();
    gone[2].fits = None;
    assert_eq!(place(&gone), Some(Some(3)));
    let mut bytes = rows();
    bytes[2].is_whole = false;
    assert_eq!(place(&bytes), Some(Some(3)));
    let mut put_in = rows();
    put_in.push(Covered { key: "9".into(), link: None, ..put_in[0].clone() });
    assert_eq!(place(&put_in), Some(None));
}

#[test]
fn a_snapshot_is_what_its_hash_says_whatever_the_order_of_its_fields() {
    let sealed = |seq: i32, text: &str, of: &Value| Sealed {
        table: "case_publication".into(),
        seq,
        snapshot: serde_json::from_str(text).unwrap(),
        sha256: sha256(canonical(of).as_bytes()).to_vec(),
    };
    let said = json!({"title": "Sirene", "fields": {"b": 1, "a": "x"}});
    let whole = sealed(1, r#"{"fields":{"a":"x","b":1},"title":"Sirene"}"#, &said);
    assert_eq!(unsealed(std::slice::from_ref(&whole)), None);
    let changed = sealed(2, r#"{"fields":{"a":"y","b":1},"title":"Sirene"}"#, &said);
    let told = unsealed(&[whole, changed]).unwrap();
    assert!(told.1.contains("the snapshot 2 of case_publication"), "{told:?}");
}
