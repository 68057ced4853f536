//! Funding (clause 19, Sala de Projetos): what the town gets from the Union and the State by convênio and contrato de repasse, from the
//! call to the accounts, with the counterpart it owes, and what of it may be lost. `life` and `risk` are pure; `federal` reads open data.

pub mod federal;
pub mod forms;
pub mod life;
pub mod norm;
pub mod regime;
pub mod risk;
pub mod seed;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::accounts::Role;
use crate::secretariat::kernel::instrument::form::Form;
use crate::secretariat::kernel::instrument::norm::governed_on;
use crate::secretariat::kernel::instrument::public::of_core;
use crate::secretariat::kernel::instrument::shown::{self, Cell, Shown};
use crate::secretariat::kernel::instrument::{Core, Done, Index, Kept, Ledger, Party, Plan, Public, Refusal, Seen};
use crate::secretariat::kernel::money::Centavos;
use crate::units::vocabulary;

vocabulary! {
    Kind, "kind of funding" {
        Convenio = "convenio",
        ContratoDeRepasse = "contrato_de_repasse",
        /// Fundo a fundo, emenda especial, termo de compromisso.
        Transferencia = "transferencia",
    }
}

vocabulary! {
    State, "state of funding" {
        Opportunity = "opportunity",
        Proposal = "proposal",
        WorkPlan = "work_plan",
        /// Signed, and without effect until the clause is met.
        Suspended = "suspended",
        Signed = "signed",
        Tender = "tender",
        Execution = "execution",
        AccountsDue = "accounts_due",
        AccountsIn = "accounts_in",
        Approved = "approved",
        SpecialAccounts = "special_accounts",
        Extinct = "extinct",
        Closed = "closed",
        Withdrawn = "withdrawn",
    }
}

/// Its plan of work is written: it waits to be signed, which the mayor does for the town.
pub const AWAITS_SIGNATURE: State = State::WorkPlan;

/// What has to be shown before the instrument has effect, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    pub what: String,
    pub due_on: NaiveDate,
    pub met_on: Option<NaiveDate>,
    #[serde(default)]
    pub evidence: String,
    /// Days it was due on before, each with why it was put off.
    #[serde(default)]
    pub put_off: Vec<(NaiveDate, String)>,
}

impl Clause {
    pub fn is_missed(&self, today: NaiveDate) -> bool {
        self.met_on.is_none() && today > self.due_on
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    pub number: u32,
    pub on: NaiveDate,
    pub centavos: Centavos,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funding {
    pub kind: Kind,
    pub state: State,
    pub core: Core,
    pub outside_key: Option<String>,
    /// Of the call: until when proposals are taken.
    pub proposals_until: Option<NaiveDate>,
    #[serde(default)]
    pub source: String,
    pub proposed_on: Option<NaiveDate>,
    /// What the town gives.
    #[serde(default)]
    pub counterpart: Centavos,
    pub clause: Option<Clause>,
    #[serde(default)]
    pub tender: String,
    #[serde(default)]
    pub measurements: Vec<Measurement>,
    pub regime: Option<regime::Judged>,
    #[serde(default)]
    pub outcome_reason: String,
    pub closed_on: Option<NaiveDate>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FundingOpening)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// convenio, contrato_de_repasse or transferencia
    #[schema(value_type = String)]
    pub kind: Kind,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub object: String,
    /// Who gives.
    pub grantor: Party,
    /// The programme or call, as it is named outside.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub source: String,
    #[serde(default)]
    pub proposals_until: Option<NaiveDate>,
    /// Number outside, once there is one.
    #[serde(default)]
    pub outside_key: Option<String>,
}

/// What is done to it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FundingAct)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    Propose {
        on: NaiveDate,
        text: String,
    },
    WritePlan {
        /// What the grantor gives.
        #[schema(value_type = i64)]
        agreed: Centavos,
        #[serde(default)]
        #[schema(value_type = i64)]
        counterpart: Centavos,
        starts_on: NaiveDate,
        ends_on: NaiveDate,
        plan: Plan,
    },
    Sign {
        on: NaiveDate,
        #[serde(default)]
        clause: String,
        #[serde(default)]
        clause_on: Option<NaiveDate>,
    },
    Publish {
        on: NaiveDate,
        place: String,
    },
    MeetClause {
        on: NaiveDate,
        evidence: String,
    },
    PutOffClause {
        due_on: NaiveDate,
        reason: String,
    },
    Tender {
        text: String,
    },
    Begin {
        text: String,
    },
    Commit {
        #[schema(value_type = i64)]
        centavos: Centavos,
        on: NaiveDate,
        what: String,
    },
    Release {
        #[schema(value_type = i64)]
        centavos: Centavos,
        on: NaiveDate,
        what: String,
    },
    PayCounterpart {
        #[schema(value_type = i64)]
        centavos: Centavos,
        on: NaiveDate,
        what: String,
    },
    Spend {
        #[schema(value_type = i64)]
        centavos: Centavos,
        on: NaiveDate,
        what: String,
    },
    Return {
        #[schema(value_type = i64)]
        centavos: Centavos,
        on: NaiveDate,
        what: String,
    },
    Reverse {
        seq: i32,
        on: NaiveDate,
        reason: String,
    },
    Measure {
        on: NaiveDate,
        #[schema(value_type = i64)]
        centavos: Centavos,
        text: String,
    },
    Amend {
        on: NaiveDate,
        reason: String,
        #[serde(default)]
        #[schema(value_type = Option<i64>)]
        agreed: Option<Centavos>,
        #[serde(default)]
        ends_on: Option<NaiveDate>,
    },
    Mark {
        stage: usize,
        on: NaiveDate,
        evidence: String,
    },
    End {},
    Account {
        text: String,
    },
    Approve {
        reason: String,
    },
    OpenSpecialAccounts {
        reason: String,
    },
    Extinguish {
        reason: String,
    },
    Close {
        reason: String,
    },
    Withdraw {
        reason: String,
    },
    /// What the federal file says now.
    Sync {
        #[schema(value_type = String)]
        state: State,
        object: String,
        #[serde(default)]
        signed_on: Option<NaiveDate>,
        #[serde(default)]
        published_on: Option<NaiveDate>,
        #[serde(default)]
        starts_on: Option<NaiveDate>,
        #[serde(default)]
        ends_on: Option<NaiveDate>,
        #[serde(default)]
        clause_on: Option<NaiveDate>,
        #[serde(default)]
        clause_met_on: Option<NaiveDate>,
        #[schema(value_type = i64)]
        agreed: Centavos,
        #[schema(value_type = i64)]
        counterpart: Centavos,
        #[schema(value_type = i64)]
        committed: Centavos,
        #[schema(value_type = i64)]
        released: Centavos,
    },
}

impl Kept for Funding {
    type Opening = Opening;
    type Act = Act;
    const MODULE: &'static str = "funding";
    const PAGES: &'static str = "captacao";
    const ROLE: Role = Role::Funding;
    const LISTED: Option<&'static str> = None;
    const KEPT: Option<&'static str> = Some("funding.kept");
    const OPENING: &'static Form = &forms::OPENING;
    // Accounts of one convênio do not hold back another: the federal system blocks the whole town by CAUC, which is outside.
    const ACCOUNTS: &'static [&'static str] = &[];

    fn open(opening: Opening, seen: &Seen) -> Result<Done<Self>, Refusal> {
        life::open(opening, seen)
    }

    fn act(self, act: Act, seen: &Seen) -> Result<Done<Self>, Refusal> {
        life::act(self, act, seen)
    }

    fn index(&self) -> Index {
        self.core.index()
    }

    fn parties(&self) -> &[Party] {
        &self.core.parties
    }

    fn outside_key(&self) -> Option<&str> {
        self.outside_key.as_deref()
    }

    fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    fn state(&self) -> &'static str {
        self.state.as_str()
    }

    fn is_final(&self) -> bool {
        matches!(self.state, State::Closed | State::Withdrawn)
    }

    fn law(&self, today: NaiveDate) -> &'static str {
        life::law(self, today)
    }

    fn governed_on(&self, today: NaiveDate) -> Option<NaiveDate> {
        Some(governed_on(self.core.signed_on, today))
    }

    fn set_ledger(&mut self, ledger: Ledger) {
        self.core.ledger = ledger;
    }

    fn ledger(&self) -> &Ledger {
        &self.core.ledger
    }

    fn public(&self, number: &str) -> Option<Public> {
        // Signed ones only: what is being negotiated is of the staff.
        self.core.signed_on?;
        let mut snapshot = of_core(&self.core);
        if let Value::Object(fields) = &mut snapshot {
            fields.insert("number".into(), json!(number));
            fields.insert("outside_key".into(), json!(self.outside_key));
            fields.insert("kind".into(), json!(self.kind));
            fields.insert("state".into(), json!(self.state));
            fields.insert("counterpart_centavos".into(), json!(self.counterpart));
            fields.insert("clause_due_on".into(), json!(self.clause.as_ref().map(|clause| clause.due_on)));
            fields.insert("clause_met_on".into(), json!(self.clause.as_ref().and_then(|clause| clause.met_on)));
            let measured: Vec<Value> =
                self.measurements.iter().map(|one| json!({ "on": one.on, "centavos": one.centavos })).collect();
            fields.insert("measurements".into(), Value::Array(measured));
        }
        Some(Public { snapshot, over_on: self.closed_on })
    }

    fn forms(&self) -> Vec<&'static Form> {
        forms::of(self)
    }

    fn shown(&self, today: NaiveDate) -> Shown {
        let mut shown = shown::of_core(&self.core);
        shown.fact("outside_key", Cell::text(self.outside_key.as_deref().unwrap_or_default()));
        shown.fact("source", Cell::text(&self.source));
        shown.fact("proposals_until", Cell::day(self.proposals_until));
        shown.fact("proposed_on", Cell::day(self.proposed_on));
        shown.fact("counterpart", Cell::Money(self.counterpart));
        if let Some(clause) = &self.clause {
            shown.fact("clause", Cell::text(&clause.what));
            shown.fact("clause_on", Cell::Day(clause.due_on));
            shown.fact("clause_met_on", Cell::day(clause.met_on));
            shown.fact("evidence", Cell::text(&clause.evidence));
        }
        if let Some(regime) = &self.regime {
            shown.fact("regime", Cell::Word("sec-instrument-word", regime.word().to_owned()));
            shown.fact("regime_why", Cell::text(&regime.why));
        }
        shown.fact("tender", Cell::text(&self.tender));
        shown.fact("outcome_reason", Cell::text(&self.outcome_reason));
        shown.fact("closed_on", Cell::day(self.closed_on));
        let measured = self.measurements.iter().map(|one| {
            vec![Cell::text(one.number), Cell::Day(one.on), Cell::Money(one.centavos), Cell::text(&one.text)]
        });
        shown.table("measurements", &["number", "on", "centavos", "text"], measured.collect());
        shown.warnings = risk::of(self, &[], today).iter().map(risk::Risk::cell).collect();
        shown
    }
}
