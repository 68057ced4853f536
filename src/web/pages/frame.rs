//! The frame of the console: town, highest level, counts, gauges, clock, and the way to the other pages.

use sqlx::PgConnection;

use super::rail::{self, Entry, Group};
use super::view::View;
use crate::app::App;
use crate::ids::AlertId;
use crate::secretariat::modules::{MODULES, Module};
use crate::units::Level;
use crate::web::gate::RULES;
use crate::web::situation::{self, GaugeHealth, rank};

/// What the top bar and the rail show on every page of the console.
#[derive(Debug)]
pub struct Frame {
    pub v: View,
    /// The rail entry this page belongs to.
    pub active: &'static str,
    pub highest: Level,
    pub counts: Vec<(Level, i64)>,
    pub gauges: GaugeHealth,
    pub drafts: i64,
    /// Alerts that nobody answered in time, the oldest first.
    pub unanswered: Vec<AlertId>,
    /// Occurrences that people reported and nobody has judged.
    pub reports: i64,
    /// Notes that name whoever reads, and that they have not seen.
    pub mentions: i64,
    /// Open tasks of maintenance that were not put off.
    pub repairs: i64,
    /// Whether messages go to the sink, so that its page has something to show.
    pub sink: bool,
    /// Alerts of the highest level that were not handed over to the public channels: id and number.
    pub unhanded: Vec<(crate::ids::AlertId, String)>,
    /// Deliveries that stand still until somebody resumes or cancels them.
    pub paused: Vec<crate::dispatch::store::control::Paused>,
    /// Modules of the secretariat in which whoever reads works, and that are there.
    pub modules: Vec<&'static Module>,
}

/// The modules that whoever reads works in.
fn own(app: &App, v: &View) -> Vec<&'static Module> {
    let Some(staff) = &v.staff else { return Vec::new() };
    let is_there = |module: &Module| app.cases.of_module(module.key()).next().is_some() || has_pages(module);
    MODULES.iter().filter(|module| staff.roles.has(module.role) && is_there(module)).collect()
}

/// A module with pages of its own: the table of routes names them.
pub fn has_pages(module: &Module) -> bool {
    let own = format!("{}/{}", rail::SECRETARIAT, module.slug_pt);
    RULES.iter().any(|rule| rule.path == own)
}

impl Frame {
    pub async fn load(conn: &mut PgConnection, app: &App, v: View, active: &'static str) -> sqlx::Result<Self> {
        let counts = situation::counts(&mut *conn).await?;
        let present = counts.iter().filter(|(_, areas)| *areas > 0).map(|(level, _)| *level);
        let highest = present.max_by_key(|level| rank(*level)).unwrap_or(Level::Unknown);
        let gauges = situation::gauge_health(&mut *conn, v.now).await?;
        let drafts =
            sqlx::query_scalar!(r#"select count(*) as "drafts!" from alert where state in ('draft', 'submitted')"#)
                .fetch_one(&mut *conn)
                .await?;
        let unanswered = sqlx::query_scalar!(
            r#"select e.alert_id as "id: AlertId" from alert_escalation e
               where e.ended_at is null and e.overdue_at is not null order by e.overdue_at, e.id limit 20"#
        )
        .fetch_all(&mut *conn)
        .await?;
        let reports = sqlx::query_scalar!(r#"select count(*) as "reports!" from occurrence where state = 'new'"#)
            .fetch_one(&mut *conn)
            .await?;
        let reports = reports + crate::reports::store::stray::count_unread(&mut *conn).await?;
        let mentions = match &v.staff {
            Some(staff) => crate::incidents::mentions::store::count_unread(&mut *conn, staff.id).await?,
            None => 0,
        };
        let repairs = crate::stations::health::tasks::count_open(&mut *conn).await?;
        let unhanded = crate::handover::store::waiting(&mut *conn).await?;
        let paused = crate::dispatch::store::control::paused(conn).await?;
        let sink = (app.config.sms.smpp.is_empty() && app.config.sms.http.is_empty()) || app.config.mail.url.is_empty();
        let modules = own(app, &v);
        Ok(Self {
            v,
            active,
            highest,
            counts,
            gauges,
            drafts,
            unanswered,
            reports,
            mentions,
            repairs,
            sink,
            unhanded,
            paused,
            modules,
        })
    }

    /// The pages of the rail that never fold.
    pub fn first(&self) -> Vec<Entry> {
        rail::first(self)
    }

    /// The pages of the rail in groups.
    pub fn groups(&self) -> Vec<Group> {
        rail::groups(self)
    }

    pub fn count_of(&self, level: &Level) -> i64 {
        self.counts.iter().find(|(other, _)| other == level).map_or(0, |(_, areas)| *areas)
    }

    /// Counts in one sentence for the top bar, without the levels nobody stands at.
    pub fn summary(&self) -> String {
        let shown = self.counts.iter().filter(|(level, areas)| *areas > 0 && *level != Level::Normal);
        let parts: Vec<String> = shown.map(|(level, areas)| format!("{areas} {}", self.v.level_word(level))).collect();
        if parts.is_empty() { self.v.t("top-all-normal") } else { parts.join(" · ") }
    }

    pub fn gauge_line(&self) -> String {
        let line = self.v.t2("top-gauges", "fresh", self.gauges.fresh, "total", self.gauges.total);
        match &self.gauges.newest_at {
            Some(at) => format!("{line} · {}", self.v.t1("top-newest", "ago", self.v.ago(at))),
            None => line,
        }
    }
}
