// Node-RED without its editor: nothing but the flow runs.
const { Pool } = require("pg");

module.exports = {
    uiHost: "127.0.0.1",
    uiPort: Number(process.env.BENCH_UI_PORT),
    httpAdminRoot: false,
    flowFile: "flows.json",
    credentialSecret: false,
    telemetry: { enabled: false },
    logging: { console: { level: "warn", metrics: false, audit: false } },
    functionGlobalContext: {
        pool: new Pool({
            host: process.env.BENCH_PGHOST,
            user: "sentinela",
            database: process.env.BENCH_DATABASE,
            max: 8,
        }),
    },
};
