//! The rail of the console: what is needed at night never folds, and of the groups only that of the page stands open.

use sentinela::accounts::Role;

use crate::approval::Room;

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
