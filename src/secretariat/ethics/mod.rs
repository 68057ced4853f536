//! Compliance and the ethics council (clause 6). Risks, consultations, training, ethics procedures and corporate liability are types of cases;
//! recusal is the kernel's (`kernel::desk::recusal`), the council a body (`kernel::body`). What differs is here: the vote of the council in a
//! procedure (`votes` is pure, `desk` acts), the ways out where recusals leave it without quorum (`recompose`), what goes out and comes in with a
//! case (`exchange`), and what the public reads (`public`). API and pages come in by `task`.

pub mod desk;
pub mod exchange;
pub mod public;
pub mod recompose;
pub mod store;
pub mod task;
pub mod votes;

use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

pub const MODULE: &str = "ethics";
/// The type that the council votes on.
pub const PROCEDURE: &str = "ethics.procedure";
/// The state in which it does.
pub const VOTING: &str = "deliberation";
/// Acts that put a proposal to the vote; the number of the act in the ledger names the round.
pub const PUT: [&str; 2] = ["propose_early", "propose"];

vocabulary! {
    /// What is proposed to the council. Texts are `sec-ethics-proposal-PROPOSAL`.
    Proposal, "proposal" {
        Censure = "censure",
        Agreement = "agreement",
        Filed = "filed",
    }
}

impl Proposal {
    /// The act that follows when it is approved.
    pub const fn act(self) -> &'static str {
        match self {
            Self::Censure => "censure",
            Self::Agreement => "agree",
            Self::Filed => "file",
        }
    }
}

/// The act that follows when a proposal is rejected: back to where it was put from.
pub const fn back_to(preliminary: bool) -> &'static str {
    if preliminary { "return_preliminary" } else { "return_heard" }
}
