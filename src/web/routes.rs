// The table of src/web/gate.rs, in a file of its own so that it reads at a glance. A new route adds its row here.

use Role::Viewer;

/// Every route with its guard.
pub const RULES: &[Rule] = &[
    // Everyone
    open("GET", "/healthz"),
    open("GET", "/readyz"),
    open("GET", "/metrics"),
    open("GET", "/assets/{*path}"),
    open("POST", "/preferences"),
    open("GET", "/api/openapi.json"),
    open("GET", "/api/docs"),
    open("GET", "/console/login"),
    open("POST", "/console/login"),
    // Console
    staff("POST", "/console/logout", Viewer),
];
