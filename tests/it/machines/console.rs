//! The pages on devices: what they show, what they ask before they do it, and that a secret is shown once.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use sentinela::accounts::{Role, Roles, store};
use sentinela::app::App;
use sentinela::ids::StaffId;
use tower::ServiceExt as _;

use super::endpoint::{Authority, payload};
use crate::ingest::gauge;
use crate::support;

/// Somebody's browser.
struct Browser<'a> {
    app: &'a App,
    cookie: String,
    csrf: String,
}

impl<'a> Browser<'a> {
    async fn of(app: &'a App, role: Role) -> Self {
        let mut conn = app.db.web.acquire().await.unwrap();
        let (now, roles) = (app.clock.now(), Roles::new([role]));
        store::upsert_member(&mut conn, &app.ids, now, "ana", "Ana", &roles, "unused").await.unwrap();
        let id: StaffId = sqlx::query_scalar("select id from staff").fetch_one(&mut *conn).await.unwrap();
        drop(conn);
        let (cookie, csrf) = support::session_of(app, id).await;
        Self { app, cookie, csrf }
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).header("cookie", &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded").header("accept", "text/html");
        let router = sentinela::web::router::router(self.app.clone());
        let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn see(&self, path: &str) -> String {
        let (status, text) = self.ask(Method::GET, &format!("{path}?lang=en"), String::new()).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &self.csrf).extend_pairs(fields);
        self.ask(Method::POST, &format!("{path}?lang=en"), form.finish()).await
    }
}

/// The secret a page shows.
fn shown(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<input class=\"mono\" readonly value=\"")?;
    rest.split_once('"').map(|(secret, _)| secret.to_owned())
}

async fn posted(app: &App, secret: &str) -> StatusCode {
    app.ingest.devices().reload(&app.db.ingest).await.unwrap();
    let request = Request::post("/api/v1/readings").header("authorization", format!("Bearer P-1.{secret}"));
    let request = request.header("content-type", "application/json").body(Body::from(payload("1"))).unwrap();
    sentinela::web::router::router(app.clone()).oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn a_device_is_made_given_a_new_secret_turned_away_and_taken_in_again_in_the_console() {
    let db = support::db().await;
    let app = support::app(&db);
    let ana = Browser::of(&app, Role::Administrator).await;
    let empty = ana.see("/console/devices").await;
    assert!(empty.contains("mosquitto_pub") && empty.contains("curl -X POST"), "{empty}");

    let (status, page) = ana.send("/console/devices", &[("code", "P-1"), ("station", "nowhere")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("There is no station with this code."), "{page}");
    gauge(&db.pool, "A").await;
    let (status, page) = ana.send("/console/devices", &[("code", "P-1"), ("station", "A")]).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let first = shown(&page).unwrap();
    assert_eq!(posted(&app, &first).await, StatusCode::OK);
    let (path, list) = ("/console/devices/P-1", ana.see("/console/devices").await);
    assert!(!ana.see(path).await.contains(&first) && !list.contains(&first), "a secret is shown once");
    assert!(list.contains("/console/devices/P-1"), "{list}");

    let (status, page) = ana.send(path, &[("act", "rotate"), ("grace_min", "60")]).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let second = shown(&page).unwrap();
    assert!(page.contains("works until the new one is used"), "{page}");
    assert_eq!((posted(&app, &first).await, posted(&app, &second).await), (StatusCode::OK, StatusCode::OK));
    assert!(ana.see(path).await.contains("ends "));
    assert_eq!(ana.send(path, &[("act", "retire")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(posted(&app, &first).await, StatusCode::UNAUTHORIZED);

    // To turn a device away one types its code.
    let (status, page) = ana.send(path, &[("act", "revoke"), ("typed", "A")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("is not the code of the device"), "{page}");
    assert_eq!(posted(&app, &second).await, StatusCode::OK);
    assert_eq!(ana.send(path, &[("act", "revoke"), ("typed", "P-1")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(posted(&app, &second).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ana.send(path, &[("act", "enable")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(posted(&app, &second).await, StatusCode::OK);

    // How it writes: a profile must be in the configuration; the hardware id is kept in small letters.
    let unknown = [("act", "configure"), ("profile", "none such"), ("hardware_id", "")];
    assert_eq!(ana.send(path, &unknown).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let known = [("act", "configure"), ("profile", ""), ("hardware_id", "70B3D5")];
    assert_eq!(ana.send(path, &known).await.0, StatusCode::SEE_OTHER);
    let (_, page) = ana.send(path, &unknown).await;
    assert!(page.contains("value=\"70b3d5\""), "{page}");

    let acts: Vec<String> = sqlx::query_scalar(
        "select act from audit_event join audit_chain on event_id = id where act like 'device.%' order by seq",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert_eq!(
        acts,
        ["device.add", "device.rotate", "device.retire", "device.revoke", "device.enable", "device.configure"]
    );
}

#[tokio::test]
async fn certificates_are_registered_and_refused_in_the_console() {
    let db = support::db().await;
    let app = support::app(&db);
    gauge(&db.pool, "A").await;
    let ana = Browser::of(&app, Role::Administrator).await;
    let path = "/console/devices/A";
    let (pem, _) = Authority::new("x").device("A", None);
    let (ended, _) = Authority::new("x").device("A", Some(2020));
    for wrong in ["no certificate", &ended] {
        let (status, page) = ana.send(path, &[("act", "certificate"), ("certificate", wrong)]).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("no certificate in PEM"), "{page}");
    }
    let given = [("act", "certificate"), ("certificate", pem.as_str())];
    assert_eq!(ana.send(path, &given).await.0, StatusCode::SEE_OTHER);
    assert!(ana.send(path, &given).await.1.contains("registered already"));
    assert!(ana.see("/console/devices").await.contains("1 certificate"));

    let hex: String =
        sqlx::query_scalar("select encode(sha256, 'hex') from device_certificate").fetch_one(&db.pool).await.unwrap();
    let refused = [("act", "revoke-certificate"), ("certificate", hex.as_str())];
    gauge(&db.pool, "B").await;
    assert_eq!(ana.send("/console/devices/B", &refused).await.0, StatusCode::UNPROCESSABLE_ENTITY, "another device's");
    assert_eq!(ana.send(path, &refused).await.0, StatusCode::SEE_OTHER);
    assert!(!ana.see("/console/devices").await.contains("1 certificate"));
    assert_eq!(ana.send(path, &refused).await.0, StatusCode::UNPROCESSABLE_ENTITY, "twice");
    assert_eq!(ana.ask(Method::GET, "/console/devices/%00", String::new()).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_device_of_a_lorawan_network_is_made_in_one_step_and_is_asked_nothing_without_templates() {
    let db = support::db().await;
    let app = support::app(&db);
    let ana = Browser::of(&app, Role::Administrator).await;
    gauge(&db.pool, "A").await;
    // What is wrong with it keeps what was filled in and makes nothing.
    let lora = [("code", "L-1"), ("station", "A"), ("hardware_id", "01 01")];
    let (status, page) = ana.send("/console/devices", &lora).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("as in a DevEUI") && page.contains("value=\"01 01\""), "{page}");
    let (status, page) =
        ana.send("/console/devices", &[("code", "L-1"), ("station", "A"), ("hardware_id", "0101")]).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("[ingest.profiles.commands.…]") && page.contains("never heard"), "{page}");
}
