//! Readings over HTTP, for gateways that speak no MQTT.

pub mod publish;

use axum::Router;
use axum::routing::post;

use crate::app::App;

pub fn routes() -> Router<App> {
    Router::new().route("/api/v1/readings", post(publish::publish))
}
