// The table of src/web/gate.rs, in a file of its own so that it reads at a glance. A new route adds its row here.

use Role::{Approver, Operator, Viewer};

/// Every route with its guard.
pub const RULES: &[Rule] = &[
    // Everyone
    open("GET", "/"),
    open("GET", "/healthz"),
    open("GET", "/readyz"),
    open("GET", "/metrics"),
    open("GET", "/assets/{*path}"),
    open("POST", "/preferences"),
    open("GET", "/api/openapi.json"),
    open("GET", "/api/docs"),
    open("GET", "/console/login"),
    open("POST", "/console/login"),
    // Alerts
    open("GET", "/alerts/feed.atom"),
    open("GET", "/alerts/feed.rss"),
    open("GET", "/alerts/{file}"),
    // Open geographic data
    open("GET", "/ogc"),
    open("GET", "/ogc/conformance"),
    open("GET", "/ogc/collections"),
    open("GET", "/ogc/collections/{collection}"),
    open("GET", "/ogc/collections/{collection}/items"),
    open("GET", "/ogc/collections/{collection}/items/{code}"),
    // Map and changes
    open("GET", "/tiles/{layer}/{z}/{x}/{y}"),
    open("GET", "/api/v1/events"),
    // Devices
    Rule { method: "POST", path: "/api/v1/readings", guard: Guard::Device },
    // Levels, alerts, incidents
    open("GET", "/api/v1/levels"),
    open("GET", "/api/v1/areas/{code}/levels"),
    staff("GET", "/api/v1/alerts", Viewer),
    staff("POST", "/api/v1/alerts", Operator),
    staff("GET", "/api/v1/alerts/{id}", Viewer),
    staff("PUT", "/api/v1/alerts/{id}", Operator),
    staff("GET", "/api/v1/alerts/{id}/reach", Viewer),
    staff("GET", "/api/v1/alerts/{id}/delivery", Viewer),
    staff("POST", "/api/v1/alerts/{id}/discard", Operator),
    staff("POST", "/api/v1/alerts/{id}/issue", Approver),
    staff("POST", "/api/v1/alerts/{id}/all-clear", Operator),
    staff("POST", "/api/v1/alerts/{id}/cancel", Operator),
    staff("POST", "/api/v1/alerts/{id}/update", Operator),
    staff("GET", "/api/v1/incidents", Viewer),
    staff("GET", "/api/v1/incidents/{id}", Viewer),
    staff("POST", "/api/v1/incidents/{id}/entries", Operator),
    staff("POST", "/api/v1/incidents/{id}/close", Operator),
    // Catalogue
    open("GET", "/api/v1/areas"),
    staff("POST", "/api/v1/areas", Operator),
    open("GET", "/api/v1/stations"),
    staff("POST", "/api/v1/stations", Operator),
    staff("GET", "/api/v1/residents", Operator),
    staff("POST", "/api/v1/residents", Operator),
    staff("GET", "/api/v1/devices", Operator),
    staff("POST", "/api/v1/devices", Operator),
    staff("DELETE", "/api/v1/devices/{code}", Operator),
    // Console
    staff("POST", "/console/logout", Viewer),
    staff("GET", "/console", Viewer),
    staff("GET", "/console/areas", Viewer),
    staff("GET", "/console/areas/{id}", Viewer),
    staff("GET", "/console/stations", Viewer),
    staff("GET", "/console/stations/{code}", Viewer),
    staff("GET", "/console/quarantine", Viewer),
    staff("GET", "/console/outbox", Viewer),
    staff("GET", "/console/alerts", Viewer),
    staff("GET", "/console/alerts/{id}", Viewer),
    staff("POST", "/console/alerts/{id}", Operator),
    staff("POST", "/console/alerts/{id}/measure", Operator),
    staff("POST", "/console/alerts/{id}/discard", Operator),
    // Drafting an end is preparation; issuing it is the act.
    staff("POST", "/console/alerts/{id}/answer", Operator),
    staff("POST", "/console/alerts/{id}/issue", Approver),
    staff("GET", "/console/incidents", Viewer),
    staff("GET", "/console/incidents/{id}", Viewer),
    staff("POST", "/console/incidents/{id}/note", Operator),
    staff("POST", "/console/incidents/{id}/close", Operator),
];
