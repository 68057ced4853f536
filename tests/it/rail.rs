//! The rail of the console: what is needed at night never folds, and of the groups only that of the page stands open.

use sentinela::accounts::Role;

use crate::approval::{Person, Room};
use crate::support;

const NO_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bm90aGluZw";

fn groups(page: &str) -> Vec<&str> {
    page.split("<details name=\"rail\"").skip(1).map(|rest| rest.split("</details>").next().unwrap()).collect()
}

#[tokio::test]
async fn the_group_of_the_page_stands_open_and_nobody_sees_the_way_to_what_they_may_not() {
    let room = Room::open(&[]).await;
    let (viewer, coordinator) = (room.person("vera", Role::Viewer).await, room.person("ana", Role::Coordinator).await);
    let page = room.page(&viewer, "/console/areas").await;
    let open: Vec<&str> = groups(&page).into_iter().filter(|group| group.starts_with(" open")).collect();
    assert_eq!(open.len(), 1, "{page}");
    assert!(open[0].contains("href=\"/console/areas\" aria-current=\"page\""), "{}", open[0]);
    assert!(!page.contains("href=\"/console/residents\""), "{page}");
    assert!(room.page(&coordinator, "/console/areas").await.contains("href=\"/console/residents\""));
    let page = room.page(&viewer, "/console/alerts").await;
    assert!(groups(&page).iter().all(|group| !group.starts_with(" open")), "it never folds: {page}");
    let (first, _) = page.split_once("<nav class=\"more\"").unwrap();
    assert!(
        first.contains("href=\"/console/alerts\" aria-current=\"page\"")
            && first.contains("href=\"/console/occurrences\"")
    );
}

/// Somebody with several roles.
async fn with(room: &Room, username: &str, roles: &[Role]) -> Person {
    use sentinela::accounts::{Roles, store};
    let one = room.person(username, roles[0]).await;
    let mut conn = room.app.db.web.acquire().await.unwrap();
    let (ids, now) = (&room.app.ids, room.app.clock.now());
    let roles = Roles::new(roles.iter().copied());
    let id = store::upsert_member(&mut conn, ids, now, username, username, &roles, NO_HASH).await.unwrap();
    drop(conn);
    let opened = support::session_of(&room.app, id).await;
    Person { id, token: one.token, cookie: opened.0, csrf: opened.1 }
}

fn links(group: &str) -> Vec<&str> {
    group.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn whoever_works_in_modules_finds_each_from_every_page_of_the_secretariat_and_sees_where_they_are() {
    let room = Room::open(&[]).await;
    let paula = with(&room, "paula", &[Role::Press, Role::Committees]).await;
    for page in [
        "/secretaria/painel",
        "/secretaria/painel/imprensa",
        "/secretaria/painel/comites",
        "/secretaria/painel/tarefas",
    ] {
        let html = room.page(&paula, page).await;
        let open: Vec<&str> = groups(&html).into_iter().filter(|group| group.starts_with(" open")).collect();
        assert_eq!(open.len(), 1, "{page}: {html}");
        let wanted = [
            "/secretaria/painel",
            "/secretaria/painel/prefeito",
            "/secretaria/painel/comites",
            "/secretaria/painel/imprensa",
        ];
        assert_eq!(links(open[0]), wanted, "{page}");
        let current: Vec<&str> = open[0].split("<a ").filter(|link| link.contains("aria-current=\"page\"")).collect();
        assert_eq!(current.len(), 1, "{page}: {}", open[0]);
        // A module where they do not work belongs to the panel.
        let here = if page.ends_with("/tarefas") { "/secretaria/painel" } else { page };
        assert!(current[0].starts_with(&format!("href=\"{here}\"")), "{page}: {}", current[0]);
    }
    let outside = room.page(&paula, "/console/areas").await;
    assert!(!outside.contains("/secretaria/painel/imprensa"), "at night the console stays short: {outside}");
}

#[tokio::test]
async fn whoever_works_in_all_modules_has_them_in_groups_of_which_one_stands_open() {
    let room = Room::open(&[]).await;
    let all: Vec<Role> = Role::ALL.iter().copied().filter(|role| role.is_module()).collect();
    let olga = with(&room, "olga", &all).await;
    let html = room.page(&olga, "/secretaria/painel/ouvidoria").await;
    let groups = groups(&html);
    let open: Vec<&&str> = groups.iter().filter(|group| group.starts_with(" open")).collect();
    assert_eq!(open.len(), 1, "{html}");
    assert!(open[0].contains("href=\"/secretaria/painel/ouvidoria\" aria-current=\"page\""), "{}", open[0]);
    for word in ["Government", "Citizens", "Communication", "Planning and contracts"] {
        let of_word: Vec<&&str> = groups.iter().filter(|group| group.contains(&format!("<summary>{word}"))).collect();
        assert_eq!(of_word.len(), 1, "{word}: {html}");
        let count = links(of_word[0]).len();
        assert!((1..=9).contains(&count), "{word} has {count}");
    }
}
