//! Carries out what the book decides, in the pipeline's transaction.
//!
//! An alert that cannot be drafted or issued must not stop the evaluation of the town: each act has a savepoint, and what
//! is refused is logged and left to a person, while level and cursor commit.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Connection as _, PgConnection, Postgres, Transaction};

use crate::alerts::approval::{Needs, Policy};
use crate::alerts::book::{self, Change, Decided, Decision, OpenAlert, Standing};
use crate::alerts::draft::{self, Drafter, Subject};
use crate::alerts::issue::Issuer;
use crate::alerts::kind::AlertKind;
use crate::alerts::state::AlertError;
use crate::alerts::{approve, store, trail};
use crate::app::App;
use crate::audit::Actor;
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::config::AlertStatus;
use crate::engine::{Explained, Transition};
use crate::ids::{AlertId, AreaId};
use crate::risk::explain::Explanation;
use crate::risk::network::PairKey;
use crate::risk::reason::Reason;
use crate::telemetry::trace::TARGET;
use crate::units::Level;

/// Tells everything that is looked at for a pair as of now; nothing for a pair that no rule judges.
pub type Explain<'a> = &'a (dyn Fn(PairKey) -> Option<Explanation> + Sync);

/// The hand of the rules.
#[derive(Debug)]
pub struct Desk {
    app: App,
    /// Levels as warnings follow them, as of the last transition handled.
    known: BTreeMap<PairKey, Level>,
    /// Drafts that this transaction made or widened: the only ones a policy may issue.
    fresh: BTreeSet<AlertId>,
}

/// What a decision is about.
#[derive(Clone, Copy, Debug)]
struct Concern<'a> {
    pair: PairKey,
    level: Level,
    rule: (&'a str, i32),
    reasons: &'a [Reason],
    /// Everything that was looked at.
    explanation: Option<&'a Explanation>,
}

impl Concern<'_> {
    async fn keep(self, conn: &mut PgConnection, id: AlertId) -> anyhow::Result<()> {
        match self.explanation {
            Some(explanation) => store::keep_explanation(conn, id, self.pair.area, explanation).await,
            None => Ok(()),
        }
    }
}

impl Desk {
    pub fn new(app: App, known: BTreeMap<PairKey, Level>) -> Self {
        Self { app, known, fresh: BTreeSet::new() }
    }

    fn drafter(&self) -> Drafter<'_> {
        Drafter { config: &self.app.config, templates: &self.app.templates, ids: &self.app.ids }
    }

    async fn open(&self, conn: &mut PgConnection, now: Instant) -> anyhow::Result<Vec<OpenAlert>> {
        store::load_open(conn, now, self.app.config.alerts.status).await
    }

    /// Handles a change of level.
    pub async fn handle(
        &mut self,
        conn: &mut PgConnection,
        now: Instant,
        transition: &Transition,
    ) -> anyhow::Result<()> {
        let change = Change {
            area: transition.pair.area,
            hazard: transition.pair.hazard,
            before: transition.known_before,
            now: transition.known,
            blind: transition.to == Level::Unknown,
        };
        self.known.insert(transition.pair, transition.known);
        if change.before == change.now {
            return Ok(());
        }
        let open = self.open(&mut *conn, now).await?;
        let level_of =
            |area| self.known.get(&PairKey { area, hazard: change.hazard }).copied().unwrap_or(Level::Normal);
        let concern = Concern {
            pair: transition.pair,
            level: transition.known,
            rule: (&transition.rule_id, transition.rule_version),
            reasons: &transition.reasons,
            explanation: Some(&transition.explanation),
        };
        for decided in book::decide(&change, &open, self.app.config.alerts.draft_from, level_of) {
            self.carry_out(&mut *conn, now, concern, &decided).await?;
        }
        Ok(())
    }

    /// Looks for what should be open and is not. Drafts keep what `explain` tells. Returns how much was done.
    pub async fn reconcile(
        &mut self,
        conn: &mut PgConnection,
        now: Instant,
        pairs: &[Explained<'_>],
        explain: Explain<'_>,
    ) -> anyhow::Result<usize> {
        let draft_from = self.app.config.alerts.draft_from;
        let mut open = self.open(&mut *conn, now).await?;
        if open.is_empty() && pairs.iter().all(|pair| pair.memory.told() < draft_from) {
            return Ok(0);
        }
        let declined = declined_levels(&mut *conn, self.app.config.alerts.status).await?;
        let standing: Vec<Standing> = pairs.iter().map(|pair| standing(pair, &declined)).collect();
        let wanted = book::reconcile(&standing, &open, draft_from);
        let kept = declined_all_clears(&mut *conn).await?;
        let mut done = 0;
        for (area, hazard, mut decided) in wanted {
            let Some(pair) = pairs.iter().find(|pair| pair.pair.key == PairKey { area, hazard }) else { continue };
            let level = pair.memory.told();
            if matches!(&decided.decision, Decision::DraftAllClear(id) if kept.contains(id)) {
                continue;
            }
            if decided.decision == Decision::Draft {
                let waiting = |alert: &&OpenAlert| {
                    alert.draft
                        && alert.by_rule
                        && alert.kind == AlertKind::Alert
                        && (alert.hazard, alert.level) == (hazard, level)
                };
                decided.decision = open.iter().find(waiting).map_or(Decision::Draft, |alert| Decision::Join(alert.id));
            }
            let rule = (pair.rule_id, pair.rule_version);
            let explanation = explain(pair.pair.key);
            let concern =
                Concern { pair: pair.pair.key, level, rule, reasons: &pair.reasons, explanation: explanation.as_ref() };
            self.carry_out(&mut *conn, now, concern, &decided).await?;
            open = self.open(&mut *conn, now).await?;
            done += 1;
        }
        Ok(done)
    }

    async fn carry_out(
        &mut self,
        conn: &mut PgConnection,
        now: Instant,
        concern: Concern<'_>,
        decided: &Decided,
    ) -> anyhow::Result<()> {
        let mut savepoint = conn.begin().await?;
        let done = self.act(&mut savepoint, now, concern, decided).await;
        let what = || format!("{:?} of area {}", decided.decision, concern.pair.area);
        let touched = settle(savepoint, done, what).await?.flatten();
        if let Some(alert) = touched {
            let (area, level) = (concern.pair.area.0, concern.level.as_str());
            drop(
                tracing::info_span!(target: TARGET, "alert.draft", %alert, sentinela.area.id = area, sentinela.level = level),
            );
        }
        self.fresh.extend(touched);
        Ok(())
    }

    async fn act(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        concern: Concern<'_>,
        decided: &Decided,
    ) -> Result<Option<AlertId>, AlertError> {
        let (drafter, area, why) = (self.drafter(), concern.pair.area, decided.reason.as_str());
        let (ids, actor) = (&self.app.ids, Actor::rule(&format!("{} v{}", concern.rule.0, concern.rule.1)));
        match decided.decision {
            Decision::Draft => {
                let subject = Subject {
                    kind: AlertKind::Alert,
                    cobrade: concern.pair.hazard,
                    level: concern.level,
                    areas: &[area],
                    references: None,
                    status: self.app.config.alerts.status,
                    rule: Some(concern.rule),
                    reasons: concern.reasons,
                };
                let id = drafter.create(&mut *conn, now, store::RULE, &subject).await?;
                concern.keep(&mut *conn, id).await?;
                trail::drafted(conn, ids, now, &actor, id, why).await?;
                return Ok(Some(id));
            }
            Decision::Join(id) => {
                drafter.join(&mut *conn, now, id, area, concern.reasons, why).await?;
                concern.keep(conn, id).await?;
                return Ok(Some(id));
            }
            Decision::Leave(id) => {
                drafter.leave(&mut *conn, now, id, area, why).await?;
                trail::discarded(conn, ids, now, &actor, id, why).await?;
            }
            Decision::DraftAllClear(id) => {
                let draft = drafter.answer(&mut *conn, now, store::RULE, id, AlertKind::AllClear).await?;
                trail::drafted(conn, ids, now, &actor, draft, why).await?;
            }
            Decision::DropAllClear(id) => {
                if let Some(alert) = store::load(&mut *conn, id).await? {
                    draft::discard(&mut *conn, now, store::RULE, id, alert.row.revision, why).await?;
                    trail::discarded(conn, ids, now, &actor, id, why).await?;
                }
            }
        }
        Ok(None)
    }

    /// Issues what the contingency plan lets out without a person, among the drafts of this transaction. Ending a public
    /// warning is never among it.
    pub async fn issue_automatic(&mut self, conn: &mut PgConnection, now: Instant) -> anyhow::Result<()> {
        let fresh = std::mem::take(&mut self.fresh);
        let is_automatic = |policy: &Policy| policy.approvals == Needs::Automatic;
        if fresh.is_empty() || !self.app.config.alerts.policies.iter().any(is_automatic) {
            return Ok(());
        }
        let issuer = Issuer::of(&self.app);
        for alert in self.open(&mut *conn, now).await? {
            if !alert.draft || !fresh.contains(&alert.id) {
                continue;
            }
            let Some(row) = store::lock(&mut *conn, alert.id).await? else { continue };
            let asked = approve::asked(&mut *conn, &self.app.config, &row).await?;
            if asked.needs != Needs::Automatic {
                continue;
            }
            let mut savepoint = conn.begin().await?;
            let done = issuer.issue_by_policy(&mut savepoint, now, &row, &asked).await;
            settle(savepoint, done, || format!("automatic issue of alert {}", alert.id)).await?;
        }
        Ok(())
    }
}

/// Ends the savepoint of one act. What was refused is undone and left to a person, and then there is nothing; a database that
/// fails is the whole transaction's business.
///
/// # Errors
/// The database's, unless it refused just this act.
pub(super) async fn settle<T>(
    savepoint: Transaction<'_, Postgres>,
    done: Result<T, AlertError>,
    what: impl FnOnce() -> String,
) -> anyhow::Result<Option<T>> {
    match done {
        Ok(done) => {
            savepoint.commit().await?;
            Ok(Some(done))
        }
        Err(error) => {
            savepoint.rollback().await?;
            left_to_a_person(error, &what())?;
            Ok(None)
        }
    }
}

fn left_to_a_person(error: AlertError, what: &str) -> anyhow::Result<()> {
    let failed = match &error {
        AlertError::Database(error) => Some(error),
        AlertError::Other(error) => error.downcast_ref::<sqlx::Error>(),
        _ => None,
    };
    if failed.is_some_and(|error| !refuses_the_act(error)) {
        return Err(error.into());
    }
    metrics::counter!("sentinela_alert_acts_refused_total").increment(1);
    tracing::error!(error = format!("{error:#}"), what, "an act of the rules was refused; a person must decide");
    Ok(())
}

/// Whether the database refused what was to be written, rather than failed: data exceptions and integrity constraints, the classes
/// 22 and 23 of SQLSTATE. Trying again cannot help, so it must not stop everything else.
fn refuses_the_act(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// Levels that a person declined, and when, by area and hazard.
type Declined = BTreeMap<(AreaId, Cobrade), Vec<(Level, Instant)>>;

/// A "no" holds as long as the known level goes on: what is shown turns to unknown and back with every silence of a gauge, and asks
/// nothing new.
fn standing(pair: &Explained<'_>, declined: &Declined) -> Standing {
    let key = pair.pair.key;
    let known_since = crate::clock::from_micros(pair.memory.known_since);
    let known = pair.memory.told();
    let said_no = declined.get(&(key.area, key.hazard)).into_iter().flatten();
    let declined = said_no.into_iter().any(|(level, at)| *level >= known && *at >= known_since);
    Standing { area: key.area, hazard: key.hazard, known, blind: pair.memory.shown == Level::Unknown, declined }
}

/// What people declined among the alerts of one status: the newest draft that they discarded for each area, hazard and level, and
/// the areas that they took out of one and did not put back.
async fn declined_levels(conn: &mut PgConnection, status: AlertStatus) -> anyhow::Result<Declined> {
    let rows = sqlx::query!(
        r#"select area_id as "area: AreaId", cobrade as "cobrade!", level as "level!", max(at) as "at!" from (
               select aa.area_id, a.cobrade, a.level, a.ended_at as at
               from alert a join alert_area aa on aa.alert_id = a.id
               where a.state = 'discarded' and a.kind in ('alert', 'update') and a.ended_at is not null and a.status = $1
                 and exists (select from alert_event e where e.alert_id = a.id and e.action = 'discarded'
                             and e.actor not in ('rule', 'service'))
               union all
               select r.area_id, a.cobrade, a.level, r.at
               from alert_place_removed r join alert a on a.id = r.alert_id
               where r.area_id is not null and a.kind in ('alert', 'update') and a.status = $1
                 and not exists (select from alert_area aa where aa.alert_id = r.alert_id and aa.area_id = r.area_id)) as no
           group by area_id, cobrade, level"#,
        status.as_str()
    )
    .fetch_all(conn)
    .await?;
    let mut declined = Declined::new();
    for row in rows {
        let Some(area) = row.area else { continue };
        declined.entry((area, row.cobrade.parse()?)).or_default().push((row.level.parse()?, row.at));
    }
    Ok(declined)
}

/// Alerts in force whose all-clear a person has discarded: they asked for it once.
async fn declined_all_clears(conn: &mut PgConnection) -> sqlx::Result<BTreeSet<AlertId>> {
    let ids = sqlx::query_scalar!(
        r#"select a.references_alert_id as "id!: AlertId" from alert a join alert parent on parent.id = a.references_alert_id
           where a.state = 'discarded' and a.kind = 'all_clear' and parent.state = 'issued'
             and exists (select from alert_event e where e.alert_id = a.id and e.action = 'discarded'
                         and e.actor not in ('rule', 'service'))"#
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().collect())
}
