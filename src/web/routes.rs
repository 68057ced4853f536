// The table of src/web/gate.rs, in a file of its own so that it reads at a glance. A new route adds its row here.

use Permission::{
    DraftAlerts, EditCatalogue, EditResidents, IssueAlerts, ManageDevices, OwnAccount, ReportField, RunIncidents,
    SeeConsole, SeeDeliveries, SeeResidents,
};

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
    staff("GET", "/api/v1/alerts", SeeConsole),
    staff("POST", "/api/v1/alerts", DraftAlerts),
    staff("GET", "/api/v1/alerts/{id}", SeeConsole),
    staff("PUT", "/api/v1/alerts/{id}", DraftAlerts),
    staff("GET", "/api/v1/alerts/{id}/reach", SeeConsole),
    staff("GET", "/api/v1/alerts/{id}/delivery", SeeConsole),
    staff("POST", "/api/v1/alerts/{id}/discard", DraftAlerts),
    staff("POST", "/api/v1/alerts/{id}/issue", IssueAlerts),
    staff("POST", "/api/v1/alerts/{id}/all-clear", DraftAlerts),
    staff("POST", "/api/v1/alerts/{id}/cancel", DraftAlerts),
    staff("POST", "/api/v1/alerts/{id}/update", DraftAlerts),
    staff("GET", "/api/v1/incidents", SeeConsole),
    staff("GET", "/api/v1/incidents/{id}", SeeConsole),
    staff("POST", "/api/v1/incidents/{id}/entries", ReportField),
    staff("POST", "/api/v1/incidents/{id}/close", RunIncidents),
    // Catalogue
    open("GET", "/api/v1/areas"),
    staff("POST", "/api/v1/areas", EditCatalogue),
    open("GET", "/api/v1/stations"),
    staff("POST", "/api/v1/stations", EditCatalogue),
    staff("GET", "/api/v1/residents", SeeResidents),
    staff("POST", "/api/v1/residents", EditResidents),
    staff("GET", "/api/v1/devices", ManageDevices),
    staff("POST", "/api/v1/devices", ManageDevices),
    staff("DELETE", "/api/v1/devices/{code}", ManageDevices),
    // Administration, audit
    staff("GET", "/console/admin", SeeConsole),
    // Own account, sign-in, staff
    // Outside identity provider
    // Tokens and devices
    staff("GET", "/api/v1/tokens", OwnAccount),
    staff("POST", "/api/v1/tokens", OwnAccount),
    staff("POST", "/api/v1/tokens/{id}/rotate", OwnAccount),
    // Of others: with ManageTokens, which the handler asks for.
    staff("DELETE", "/api/v1/tokens/{id}", OwnAccount),
    staff("GET", "/console/tokens", OwnAccount),
    staff("POST", "/console/tokens", OwnAccount),
    staff("POST", "/console/tokens/{id}/rotate", OwnAccount),
    staff("GET", "/console/tokens/{id}/revoke", OwnAccount),
    staff("POST", "/console/tokens/{id}/revoke", OwnAccount),
    // Residents' own page, privacy
    // Photographs
    // Console
    staff("POST", "/console/logout", OwnAccount),
    staff("GET", "/console", SeeConsole),
    staff("GET", "/console/areas", SeeConsole),
    staff("GET", "/console/areas/{id}", SeeConsole),
    staff("GET", "/console/stations", SeeConsole),
    staff("GET", "/console/stations/{code}", SeeConsole),
    staff("GET", "/console/quarantine", SeeConsole),
    staff("GET", "/console/outbox", SeeDeliveries),
    staff("GET", "/console/alerts", SeeConsole),
    staff("GET", "/console/alerts/{id}", SeeConsole),
    staff("POST", "/console/alerts/{id}", DraftAlerts),
    staff("POST", "/console/alerts/{id}/measure", DraftAlerts),
    staff("POST", "/console/alerts/{id}/discard", DraftAlerts),
    // Drafting an end is preparation; issuing it is the act.
    staff("POST", "/console/alerts/{id}/answer", DraftAlerts),
    staff("POST", "/console/alerts/{id}/issue", IssueAlerts),
    staff("GET", "/console/incidents", SeeConsole),
    staff("GET", "/console/incidents/{id}", SeeConsole),
    staff("POST", "/console/incidents/{id}/note", ReportField),
    staff("POST", "/console/incidents/{id}/close", RunIncidents),
];
