//! What an entry is, and what is one.

use super::*;

fn new(kind: EntryKind, document: &str) -> NewEntry {
    NewEntry {
        kind,
        name: "Instituto Serra".into(),
        short_name: String::new(),
        nature: (kind == EntryKind::Organisation).then_some(Nature::CivilSociety),
        document: document.into(),
        address: String::new(),
        point: None,
        access: Class::Internal,
        reserved_to: String::new(),
    }
}

fn entry(id: u128, kind: EntryKind, document: &str) -> Entry {
    Entry {
        id: Uuid::from_u128(id),
        kind,
        name: "Instituto Serra".into(),
        short_name: String::new(),
        nature: None,
        document: document.into(),
        address: String::new(),
        point: None,
        access: Class::Internal,
        reserved_to: String::new(),
        merged_into: None,
        opened_at: Instant::default(),
        opened_by: "ana".into(),
        changed_at: Instant::default(),
        revision: 1,
    }
}

#[test]
fn documents_are_of_whom_they_are_and_a_cpf_is_not_repeated() {
    assert!(new(EntryKind::Organisation, "11.222.333/0001-81").checked().is_ok());
    assert!(new(EntryKind::Person, "111.444.777-35").checked().is_ok());
    for (kind, document) in [
        (EntryKind::Organisation, "111.444.777-35"),
        (EntryKind::Person, "11.222.333/0001-81"),
        (EntryKind::Person, "111.444.777-36"),
        (EntryKind::Place, "11.222.333/0001-81"),
    ] {
        let errors = new(kind, document).checked().unwrap_err();
        assert_eq!((errors[0].field.as_str(), errors[0].value.as_str()), ("document", ""), "{kind} {document}");
    }
}

#[test]
fn a_person_is_never_public_and_what_is_restricted_has_its_role() {
    let fields = |new: NewEntry| -> Vec<String> {
        new.checked().err().unwrap_or_default().into_iter().map(|error| error.field).collect()
    };
    let of =
        |access, reserved_to: &str| NewEntry { access, reserved_to: reserved_to.into(), ..new(EntryKind::Person, "") };
    assert_eq!(fields(of(Class::Public, "")), ["access"]);
    assert_eq!(fields(of(Class::Restricted, "")), ["reserved_to"]);
    assert_eq!(fields(of(Class::Restricted, "nobody")), ["reserved_to"]);
    assert_eq!(fields(of(Class::Internal, "ethics")), ["reserved_to"]);
    assert_eq!(fields(of(Class::Restricted, "ethics")), Vec::<String>::new());
}

#[test]
fn a_branch_is_merged_with_its_head_office_and_a_stranger_with_nobody() {
    let head = entry(1, EntryKind::Organisation, "11.222.333/0001-81");
    let branch = entry(2, EntryKind::Organisation, "11.222.333/0002-62");
    let stranger = entry(3, EntryKind::Organisation, "00.394.460/0001-41");
    let unknown = entry(4, EntryKind::Organisation, "");
    assert_eq!(may_merge(&branch, &head), Ok(()));
    assert_eq!(may_merge(&unknown, &head), Ok(()));
    assert_eq!(may_merge(&stranger, &head), Err(Apart::Document));
    assert_eq!(may_merge(&head, &head), Err(Apart::Same));
    let person = entry(5, EntryKind::Person, "***.444.777-**");
    assert_eq!(may_merge(&person, &head), Err(Apart::Kind));
    let other = entry(6, EntryKind::Person, "***.982.247-**");
    assert_eq!(may_merge(&person, &other), Err(Apart::Document));
    assert_eq!(may_merge(&Entry { merged_into: Some(head.id), ..branch }, &head), Err(Apart::Merged));
    let apart = Entry { access: Class::Restricted, reserved_to: "press".into(), ..unknown };
    assert_eq!(may_merge(&apart, &head), Err(Apart::Access));
}
