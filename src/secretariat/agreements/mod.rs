//! Agreements (clause 11): partnerships with organisations of civil society (Lei 13.019/2014), contracts, concessions, permissions,
//! public-private partnerships (Lei 14.133/2021, Lei 8.987/1995, Lei 11.079/2004), donations and adoptions; and the expression of
//! interest, a small case of its own. `life` is the state machine; it is pure.

pub mod forms;
pub mod life;
pub mod money;
pub mod public;
pub mod seed;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::accounts::Role;
use crate::secretariat::kernel::instrument::form::Form;
use crate::secretariat::kernel::instrument::norm::governed_on;
use crate::secretariat::kernel::instrument::shown::{self, Cell, Shown};
use crate::secretariat::kernel::instrument::{
    Core, Done, Index, Kept, Ledger, OpinionKind, Party, Plan, Public, Refusal, Seen, Term,
};
use crate::secretariat::kernel::money::Centavos;
use crate::units::vocabulary;

vocabulary! {
    /// What was agreed on.
    Kind, "kind of agreement" {
        /// Termo de fomento: proposed by the organisation.
        Fomento = "fomento",
        /// Termo de colaboração: proposed by the administration.
        Colaboracao = "colaboracao",
        /// Without money.
        AcordoCooperacao = "acordo_cooperacao",
        Contrato = "contrato",
        Concessao = "concessao",
        Permissao = "permissao",
        Ppp = "ppp",
        DoacaoAdocao = "doacao_adocao",
        /// Manifestação de interesse social.
        Interesse = "interesse",
    }
}

impl Kind {
    /// What orders its phases.
    pub const fn law(self) -> &'static str {
        if self.is_partnership() || matches!(self, Self::Interesse) { "Lei 13.019/2014" } else { "Lei 14.133/2021" }
    }

    /// Under Lei 13.019/2014.
    pub const fn is_partnership(self) -> bool {
        matches!(self, Self::Fomento | Self::Colaboracao | Self::AcordoCooperacao)
    }

    /// Under Lei 14.133/2021, with its publication in the national portal.
    pub const fn is_contract(self) -> bool {
        matches!(self, Self::Contrato | Self::Concessao | Self::Permissao | Self::Ppp)
    }

    pub const fn takes_money(self) -> bool {
        !matches!(self, Self::AcordoCooperacao | Self::DoacaoAdocao | Self::Interesse)
    }
}

vocabulary! {
    State, "state of an agreement" {
        Planning = "planning",
        Call = "call",
        /// Direct: dispensed or not required, with its ground.
        Waived = "waived",
        Selection = "selection",
        WorkPlan = "work_plan",
        Opinions = "opinions",
        Signed = "signed",
        Published = "published",
        Execution = "execution",
        AccountsDue = "accounts_due",
        AccountsIn = "accounts_in",
        Review = "review",
        Cure = "cure",
        Regular = "regular",
        WithReservations = "with_reservations",
        Irregular = "irregular",
        Closed = "closed",
        Cancelled = "cancelled",
        /// Of an expression of interest.
        Received = "received",
        Answered = "answered",
    }
}

/// Both opinions are favourable: it waits to be signed, which the mayor does or delegates.
pub const AWAITS_SIGNATURE: State = State::Opinions;

vocabulary! {
    Outcome, "outcome of accounts" {
        Regular = "regular",
        WithReservations = "with_reservations",
        Irregular = "irregular",
    }
}

/// How the partner was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Of a call: when it was opened, and until when it is open.
    pub opened_on: Option<NaiveDate>,
    pub closes_on: Option<NaiveDate>,
    pub place: String,
    /// Of a waiver: what happened, and the article it rests on.
    pub ground: String,
    pub law_ref: String,
}

/// An agreement as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    pub kind: Kind,
    pub state: State,
    pub core: Core,
    pub way: Option<Way>,
    /// Why this partner.
    #[serde(default)]
    pub selection: String,
    #[serde(default)]
    pub cure: String,
    pub outcome: Option<Outcome>,
    #[serde(default)]
    pub outcome_reason: String,
    pub closed_on: Option<NaiveDate>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AgreementOpening)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// fomento, colaboracao, acordo_cooperacao, contrato, concessao, permissao, ppp, doacao_adocao or interesse
    #[schema(value_type = String)]
    pub kind: Kind,
    #[schema(min_length = 1, max_length = 1000, pattern = r"\S")]
    pub object: String,
    /// Of an expression of interest: who brings it, and what the public has of it.
    #[serde(default)]
    pub partner: Option<Party>,
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub reason: String,
}

/// What is done to an agreement.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = AgreementAct)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    OpenCall {
        on: NaiveDate,
        closes_on: NaiveDate,
        place: String,
    },
    Waive {
        ground: String,
        law_ref: String,
    },
    Select {
        partner: Party,
        reason: String,
    },
    WritePlan {
        #[schema(value_type = i64)]
        agreed: Centavos,
        starts_on: NaiveDate,
        ends_on: NaiveDate,
        plan: Plan,
        /// What the partner gives of its own.
        #[serde(default)]
        #[schema(value_type = i64)]
        counterpart: Centavos,
    },
    Appoint {
        manager: String,
        commission: Vec<String>,
    },
    /// technical or legal
    Opine {
        #[schema(value_type = String)]
        kind: OpinionKind,
        #[serde(default)]
        favourable: bool,
        text: String,
    },
    Sign {
        on: NaiveDate,
    },
    Publish {
        on: NaiveDate,
        place: String,
    },
    Begin {},
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
    Hold {
        reason: String,
    },
    Mend {
        reason: String,
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
    Monitor {
        text: String,
    },
    SetBank {
        bank: String,
        branch: String,
        account: String,
    },
    /// Accounts of a year within the term.
    AccountInterim {
        #[schema(value_type = i64)]
        centavos: Centavos,
        text: String,
    },
    Rescind {
        on: NaiveDate,
        reason: String,
    },
    End {},
    /// Final accounts.
    Account {
        #[schema(value_type = i64)]
        centavos: Centavos,
        text: String,
    },
    Review {},
    AskCure {
        reason: String,
    },
    Cure {
        text: String,
    },
    Decide {
        #[schema(value_type = String)]
        outcome: Outcome,
        reason: String,
    },
    /// Puts off accounts, review or cure, once, as their rule allows: accounts, interim, review or cure
    Extend {
        deadline: String,
        reason: String,
    },
    Close {
        reason: String,
    },
    Cancel {
        reason: String,
    },
    Answer {
        opens: bool,
        reason: String,
    },
}

impl Agreement {
    pub fn term(&self) -> Option<Term> {
        self.core.term
    }
}

impl Kept for Agreement {
    type Opening = Opening;
    type Act = Act;
    const MODULE: &'static str = "agreements";
    const PAGES: &'static str = "parcerias";
    const ROLE: Role = Role::Agreements;
    const LISTED: Option<&'static str> = Some("agreements.listed");
    const KEPT: Option<&'static str> = Some("agreements.kept");
    const OPENING: &'static Form = &forms::OPENING;
    const ACCOUNTS: &'static [&'static str] = &["agreements.accounts", "agreements.interim"];

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

    fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    fn state(&self) -> &'static str {
        self.state.as_str()
    }

    fn is_final(&self) -> bool {
        matches!(self.state, State::Closed | State::Cancelled | State::Answered)
    }

    fn law(&self, _today: NaiveDate) -> &'static str {
        self.kind.law()
    }

    fn governed_on(&self, today: NaiveDate) -> Option<NaiveDate> {
        self.core.signed_on.map(|signed| governed_on(Some(signed), today))
    }

    fn set_ledger(&mut self, ledger: Ledger) {
        self.core.ledger = ledger;
    }

    fn ledger(&self) -> &Ledger {
        &self.core.ledger
    }

    fn public(&self, number: &str) -> Option<Public> {
        public::of(self, number)
    }

    fn forms(&self) -> Vec<&'static Form> {
        forms::of(self)
    }

    fn shown(&self, _today: NaiveDate) -> Shown {
        let mut shown = shown::of_core(&self.core);
        if let Some(way) = &self.way {
            shown.fact("opened_on", Cell::day(way.opened_on));
            shown.fact("closes_on", Cell::day(way.closes_on));
            shown.fact("call_place", Cell::text(&way.place));
            shown.fact("ground", Cell::text(&way.ground));
            shown.fact("law_ref", Cell::text(&way.law_ref));
        }
        shown.fact("selection", Cell::text(&self.selection));
        shown.fact("cure", Cell::text(&self.cure));
        if let Some(outcome) = self.outcome {
            shown.fact("outcome", Cell::Word("sec-instrument-state", outcome.to_string()));
        }
        shown.fact("outcome_reason", Cell::text(&self.outcome_reason));
        shown.fact("closed_on", Cell::day(self.closed_on));
        shown
    }
}
