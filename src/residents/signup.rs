//! A subscription that was filled in on the public page and waits for its telephone or mailbox to be proven. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::companions::Relation;
use super::preferences::{Need, Preferences};
use crate::reports::Spot;
use crate::vault::Ring;

/// How long the link in an e-mail is good for: letters are read in the evening.
pub const LINK_FOR: TimeDelta = TimeDelta::hours(24);
/// Places that one form takes; more are added on the own page.
pub const PLACES: usize = 3;
/// People whom one form names; more are named on the own page.
pub const COMPANIONS: usize = 3;
pub const LABEL_MAX: usize = 60;
pub const NAME_MAX: usize = 120;
const LINK: &str = "signup link";
const ID_LEN: usize = 16;

/// A place as it is kept until then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignupPlace {
    pub label: String,
    pub lon: f64,
    pub lat: f64,
    pub precision_m: i32,
    /// As the register has it, or as it was typed.
    pub address: String,
    pub cep: Option<String>,
    pub people: i16,
}

impl SignupPlace {
    pub const fn spot(&self) -> Spot {
        Spot { lon: self.lon, lat: self.lat, precision_m: self.precision_m }
    }
}

/// What was filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signup {
    pub name: String,
    pub language: String,
    pub places: Vec<SignupPlace>,
    pub preferences: Preferences,
    /// Only with the consent of its own.
    pub needs: Vec<Need>,
    /// Who lives at the first place, only with the consent of its own. Forms that were sealed before this was asked have none.
    #[serde(default)]
    pub companions: Vec<Living>,
}

/// Somebody who lives at the first place of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Living {
    pub name: String,
    pub relation: Relation,
    pub needs: Vec<Need>,
}

/// What a subscription is sealed for.
pub fn context(code: Uuid) -> String {
    format!("resident_signup.sealed:{code}")
}

/// The link of an e-mail: whoever has it reads that mailbox.
pub fn token(ring: &Ring, code: Uuid) -> String {
    let id = code.as_bytes();
    URL_SAFE_NO_PAD.encode([&id[..], &ring.sum(LINK, id)].concat())
}

/// The code that it stands for; `None` for what this service never signed.
pub fn check(ring: &Ring, token: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, sum) = bytes.split_at_checked(ID_LEN)?;
    if !ring.has_made(LINK, id, sum) {
        return None;
    }
    Uuid::from_slice(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;

    #[test]
    fn a_link_stands_for_its_own_subscription() {
        let ring = Ring::new("service", &[], &Ids::seeded(1));
        let code = Uuid::from_u128(7);
        let link = token(&ring, code);
        assert_eq!(check(&ring, &link), Some(code));
        for wrong in ["", "x", &link[..10], &link.replace(|c: char| c.is_ascii_lowercase(), "a")] {
            assert_eq!(check(&ring, wrong), None, "{wrong}");
        }
    }
}
