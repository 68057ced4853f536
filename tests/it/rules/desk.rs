//! The registry and its acts.

use sentinela::accounts::Role;
use sentinela::rules::State;
use sentinela::rules::desk::{At, RuleError};
use sentinela::rules::life::{Outcome, Refusal};
use sentinela::rules::store::Source;
use sentinela::rules::{store, sync};
use sqlx::Executor as _;

use super::{Place, SLOPE, slope};
use crate::support::Folder;

const AT: At<'_> = At { rule: SLOPE, version: 2, revision: None };

#[tokio::test]
async fn the_first_start_makes_the_products_rules_active_and_a_later_release_only_proposes() {
    let place = Place::started(&[]).await;
    assert_eq!(place.states().await, [(1, State::Active)]);
    let mut conn = place.conn().await;
    let now = place.app.clock.now();
    // People have made a version 2 of their own by then.
    let ana = place.person("ana", Role::Operator).await;
    place.desk(&ana).propose(&mut conn, &slope(2, 50), "").await.unwrap();
    let release =
        [("slope.toml".to_owned(), slope(2, 45)), ("new.toml".to_owned(), slope(1, 45).replace(SLOPE, "calor"))];
    for _ in 0..2 {
        sync::propose(&mut conn, now, &release).await.unwrap();
    }
    assert_eq!(place.states().await, [(3, State::Draft), (2, State::Draft), (1, State::Active)]);
    let proposed = place.version(3).await;
    assert_eq!((proposed.source, proposed.product_version, proposed.written_by), (Source::Product, Some(2), None));
    assert!(proposed.text.contains("version = 3") && proposed.text.contains("\"45 mm\""));
    let other = store::find(&mut conn, "calor", 1).await.unwrap().unwrap();
    assert_eq!(other.state, State::Draft, "a rule that is new with a release waits for people as well");
}

#[tokio::test]
async fn a_version_becomes_active_by_two_people_and_the_one_before_retires_in_the_same_act() {
    let place = Place::started(&[]).await;
    let (ana, bia, caio) = (
        place.person("ana", Role::Coordinator).await,
        place.person("bia", Role::Approver).await,
        place.person("caio", Role::Approver).await,
    );
    place.compared(&ana, 2, 35).await;
    let mut conn = place.conn().await;
    let first = place.desk(&bia).approve(&mut conn, AT, "plano").await.unwrap();
    assert!(matches!(first, Outcome::Waits { have: 1, .. }), "{first:?}");
    let again = place.desk(&bia).approve(&mut conn, AT, "plano").await.unwrap();
    assert!(matches!(again, Outcome::Waits { have: 1, .. }), "asking twice is one person: {again:?}");
    let author = place.desk(&ana).approve(&mut conn, AT, "plano").await.unwrap_err();
    assert!(matches!(author, RuleError::Refused(Refusal::AuthorCompletes)), "{author}");
    assert_eq!(place.states().await, [(2, State::BackTested), (1, State::Active)]);
    let before: i64 = sqlx::query_scalar("select version from catalogue_version").fetch_one(&mut *conn).await.unwrap();
    place.desk(&caio).approve(&mut conn, AT, "plano").await.unwrap();
    assert_eq!(place.states().await, [(2, State::Active), (1, State::Retired)]);
    let after: i64 = sqlx::query_scalar("select version from catalogue_version").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(after, before + 1, "every process notices");
    let acts = place.texts("select act from audit_event where object_kind = 'rule' order by at, id").await;
    assert_eq!(acts.iter().filter(|act| *act == "rule.activate").count(), 1, "{acts:?}");
    assert_eq!(acts.iter().filter(|act| *act == "rule.retire").count(), 1, "{acts:?}");
}

#[tokio::test]
async fn whoever_may_no_longer_warn_the_city_does_not_stand_behind_a_version_any_more() {
    let place = Place::started(&[]).await;
    let (ana, bia) = (place.person("ana", Role::Operator).await, place.person("bia", Role::Approver).await);
    place.compared(&ana, 2, 35).await;
    let mut conn = place.conn().await;
    place.desk(&bia).approve(&mut conn, AT, "plano").await.unwrap();
    let version = place.version(2).await;
    assert_eq!(store::stands_behind(&mut conn, &version).await.unwrap()[0].id, bia.id);
    conn.execute("update staff set roles = array['viewer'] where username = 'bia'").await.unwrap();
    assert_eq!(store::stands_behind(&mut conn, &version).await.unwrap(), []);
}

#[tokio::test]
async fn an_edit_takes_the_check_the_comparison_and_every_approval_away() {
    let place = Place::started(&[]).await;
    let (ana, bia) = (place.person("ana", Role::Operator).await, place.person("bia", Role::Approver).await);
    place.compared(&ana, 2, 35).await;
    let mut conn = place.conn().await;
    place.desk(&bia).approve(&mut conn, AT, "plano").await.unwrap();
    let stale = At { revision: Some(7), ..AT };
    let refused = place.desk(&ana).edit(&mut conn, stale, &slope(2, 30), "").await.unwrap_err();
    assert!(matches!(refused, RuleError::Stale { seen: 7, has: 1 }), "{refused}");
    place.desk(&ana).edit(&mut conn, AT, &slope(2, 30), "menos").await.unwrap();
    let kept = place.version(2).await;
    assert_eq!((kept.state, kept.revision, kept.note.as_str()), (State::Draft, 2, "menos"));
    assert!(kept.checked.is_none() && kept.back_test.is_none());
    assert_eq!(store::stands_behind(&mut conn, &kept).await.unwrap(), []);
}

#[tokio::test]
async fn a_text_with_errors_stays_a_draft_and_says_where() {
    let place = Place::started(&[]).await;
    let ana = place.person("ana", Role::Operator).await;
    let mut conn = place.conn().await;
    place.desk(&ana).propose(&mut conn, &slope(2, 35).replace("\"25 mm\"", "\"25 kg\""), "").await.unwrap();
    let checked = place.desk(&ana).check(&mut conn, AT).await.unwrap();
    assert_eq!(checked.errors(), 1, "{checked:?}");
    let kept = place.version(2).await;
    assert_eq!((kept.state, kept.checked), (State::Draft, Some(checked)));
    let taken = place.desk(&ana).propose(&mut conn, &slope(2, 35), "").await.unwrap_err();
    assert!(taken.to_string().contains("version = 3"), "{taken}");
}

#[tokio::test]
async fn the_database_keeps_what_was_active_as_it_was() {
    let place = Place::started(&[]).await;
    let mut conn = place.conn().await;
    for sql in [
        "update rule_version set text = 'x' where version = 1",
        "delete from rule_version",
        "update rule_act set reason = 'x'",
    ] {
        let refused = conn.execute(sql).await.unwrap_err();
        assert!(
            refused.to_string().contains("stands")
                || refused.to_string().contains("kept")
                || refused.to_string().contains("append-only")
                || refused.to_string().contains("permission denied"),
            "{sql}: {refused}"
        );
    }
}

#[tokio::test]
async fn ending_a_rule_with_nothing_in_its_place_takes_two_and_leaves_a_gap() {
    let place = Place::started(&[]).await;
    let (ana, bia) = (place.person("ana", Role::Approver).await, place.person("bia", Role::Approver).await);
    let at = At { version: 1, ..AT };
    let mut conn = place.conn().await;
    place.desk(&ana).retire(&mut conn, at, "sem uso").await.unwrap();
    assert_eq!(place.states().await, [(1, State::Active)]);
    place.desk(&bia).retire(&mut conn, at, "sem uso").await.unwrap();
    assert_eq!(place.states().await, [(1, State::Retired)]);
    let network = sentinela::rules::town::read(&mut conn, &place.app.config.engine).await.unwrap();
    let gaps = sentinela::rules::check::gaps(&network);
    let told: Vec<_> = gaps.iter().map(|gap| (gap.hazard.as_str(), gap.grade.as_str(), gap.areas)).collect();
    assert_eq!(told, [("1.1.3.2.1", "R4", 2)]);
}

#[tokio::test]
async fn a_folder_is_the_authority_and_the_registry_keeps_what_it_saw() {
    let folder = Folder::new();
    let file = folder.path().join("slope.toml");
    std::fs::write(&file, slope(4, 40)).unwrap();
    let rules_dir = folder.path().to_str().unwrap().to_owned();
    let place = Place::started(&[("SENTINELA__ENGINE__RULES_DIR", &rules_dir)]).await;
    assert_eq!(place.states().await, [(4, State::Active)]);
    let (ana, bia) = (place.person("ana", Role::Approver).await, place.person("bia", Role::Approver).await);
    place.compared(&ana, 5, 35).await;
    let mut conn = place.conn().await;
    let refused = place.desk(&bia).approve(&mut conn, At { version: 5, ..AT }, "plano").await.unwrap_err();
    assert!(matches!(&refused, RuleError::Conflict(why) if why.contains(&rules_dir)), "{refused}");

    let now = place.app.clock.now();
    std::fs::write(&file, slope(4, 41)).unwrap();
    sync::sync(&mut conn, now, &rules_dir).await.unwrap();
    let kept = place.version(4).await;
    assert!(kept.altered_at.is_some() && kept.text.contains("\"40 mm\""), "what is kept is the first");
    std::fs::write(&file, slope(6, 42)).unwrap();
    sync::sync(&mut conn, now, &rules_dir).await.unwrap();
    assert_eq!(place.states().await, [(6, State::Active), (5, State::BackTested), (4, State::Retired)]);
}
