//! A register of the town's addresses, and what a written address means by it: a point with how exactly it is known and why, or
//! several, and never a guess between two.

pub mod file;
pub mod find;
pub mod key;
pub mod register;
pub mod store;
pub mod written;

use serde::{Deserialize, Serialize};

use crate::reports::Spot;
use crate::units::vocabulary;

pub use written::Mode;

/// What is known only to more than this is no place to send anybody to, in metres.
pub const MOST_UNCERTAIN_M: i32 = 3000;
/// Candidates of one answer.
pub const MOST: usize = 8;

vocabulary! {
    /// How a place follows from the register. Texts are `address-how-HOW`.
    How, "way an address was found" {
        /// The house stands there.
        Number = "number",
        /// Between two houses of the same side.
        Between = "between",
        /// The middle of the street.
        Street = "street",
        /// The middle of all addresses of the CEP.
        Cep = "cep",
        /// Coordinates that somebody wrote.
        Coordinates = "coordinates",
    }
}

/// A place that written words may mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// "Rua das Flores, 20 – Linhares".
    pub label: String,
    pub spot: Spot,
    pub how: How,
}

/// What the words mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The register knows nothing of it.
    Nothing,
    /// This one, as it is written.
    One(Candidate),
    /// One of these: the same words name each of them, or nearly do. A person says which.
    Several(Vec<Candidate>),
}

impl Found {
    pub fn candidates(&self) -> &[Candidate] {
        match self {
            Self::Nothing => &[],
            Self::One(candidate) => std::slice::from_ref(candidate),
            Self::Several(candidates) => candidates,
        }
    }
}
