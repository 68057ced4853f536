//! Carries out what the book decides, in the pipeline's transaction.
//!
//! An alert that cannot be drafted or issued must not stop the evaluation of the town: each act has a savepoint, and what
//! is refused is logged and left to a person, while level and cursor commit.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Connection as _, PgConnection};

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
use crate::engine::{Explained, Transition};
use crate::ids::{AlertId, AreaId};
use crate::risk::explain::Explanation;
use crate::risk::network::PairKey;
use crate::risk::reason::Reason;
use crate::units::Level;

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
    /// Everything that was looked at; a reconciliation after a restart has only the reasons.
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

    /// Looks for what should be open and is not. Returns how much was done.
    pub async fn reconcile(
        &mut self,
        conn: &mut PgConnection,
        now: Instant,
        pairs: &[Explained<'_>],
    ) -> anyhow::Result<usize> {
        let draft_from = self.app.config.alerts.draft_from;
        let mut open = self.open(&mut *conn, now).await?;
        if open.is_empty() && pairs.iter().all(|pair| pair.memory.told() < draft_from) {
            return Ok(0);
        }
        let declined = declined_levels(&mut *conn).await?;
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
            let concern = Concern { pair: pair.pair.key, level, rule, reasons: &pair.reasons, explanation: None };
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
        match self.act(&mut savepoint, now, concern, decided).await {
            Ok(fresh) => {
                savepoint.commit().await?;
                self.fresh.extend(fresh);
                Ok(())
            }
            Err(error) => {
                savepoint.rollback().await?;
                left_to_a_person(error, &format!("{:?} of area {}", decided.decision, concern.pair.area))
            }
        }
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
            match issuer.issue_by_policy(&mut savepoint, now, &row, &asked).await {
                Ok(()) => savepoint.commit().await?,
                Err(error) => {
                    savepoint.rollback().await?;
                    left_to_a_person(error, &format!("automatic issue of alert {}", alert.id))?;
                }
            }
        }
        Ok(())
    }
}

/// A refusal is a person's business; a database that fails is the whole transaction's.
fn left_to_a_person(error: AlertError, what: &str) -> anyhow::Result<()> {
    if let AlertError::Database(error) = error {
        return Err(error.into());
    }
    metrics::counter!("sentinela_alert_acts_refused_total").increment(1);
    tracing::error!(error = format!("{error:#}"), what, "an act of the rules was refused; a person must decide");
    Ok(())
}

type Declined = BTreeMap<(AreaId, Cobrade), (Level, Instant)>;

fn standing(pair: &Explained<'_>, declined: &Declined) -> Standing {
    let key = pair.pair.key;
    let since = crate::clock::from_micros(pair.memory.since);
    let known = pair.memory.told();
    let declined = declined.get(&(key.area, key.hazard)).is_some_and(|(level, at)| *level >= known && *at >= since);
    Standing { area: key.area, hazard: key.hazard, known, blind: pair.memory.shown == Level::Unknown, declined }
}

/// The newest draft that a person discarded for each area and hazard.
async fn declined_levels(conn: &mut PgConnection) -> anyhow::Result<Declined> {
    let rows = sqlx::query!(
        r#"select distinct on (aa.area_id, a.cobrade) aa.area_id as "area: AreaId", a.cobrade, a.level, a.ended_at as "at!"
           from alert a join alert_area aa on aa.alert_id = a.id
           where a.state = 'discarded' and a.kind in ('alert', 'update') and a.ended_at is not null
             and exists (select from alert_event e where e.alert_id = a.id and e.action = 'discarded'
                         and e.actor not in ('rule', 'service'))
           order by aa.area_id, a.cobrade, a.ended_at desc"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(((row.area, row.cobrade.parse()?), (row.level.parse()?, row.at)))).collect()
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
