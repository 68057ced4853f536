//! Schools, hospitals and companies: where they are, whom to tell, and whether somebody there has seen it.
//!
//! Whatever real alert holds for their place is told to the first contact at once; when nobody acknowledges by the link, to the next,
//! until somebody does, nobody is left, or the alert is over. An end of danger goes to whoever is first and asks nothing back.

pub mod calls;
pub mod desk;
pub mod file;
pub mod store;
pub mod token;
pub mod worker;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Instant;
use crate::reports::Spot;
use crate::units::vocabulary;

vocabulary! {
    /// Texts are `institution-kind-KIND`.
    Kind, "kind of institution" {
        School = "school",
        Hospital = "hospital",
        CareHome = "care_home",
        Company = "company",
        PublicOffice = "public_office",
        Other = "other",
    }
}

/// Contacts of one institution.
pub const MOST_CONTACTS: usize = 10;

/// Somebody to tell, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Contact {
    pub name: String,
    /// E.164.
    pub phone: Option<String>,
    pub email: Option<String>,
}

/// An institution as somebody describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewInstitution {
    pub external_ref: Option<String>,
    pub name: String,
    pub kind: Kind,
    pub spot: Spot,
    pub address: String,
    /// Who is there on a usual day; 0 when nobody said.
    pub people: i32,
    /// First to be told first.
    pub contacts: Vec<Contact>,
}

/// One that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Institution {
    pub id: Uuid,
    pub what: NewInstitution,
    pub closed_at: Option<Instant>,
}

/// A telephone and a mailbox as they were typed; at least one is needed.
///
/// # Errors
/// The field and what is wrong with it.
pub fn contact(name: &str, phone: &str, email: &str) -> Result<Contact, (&'static str, String)> {
    let (name, phone, email) = (name.trim(), phone.trim(), email.trim());
    if name.is_empty() || name.chars().count() > 120 {
        return Err(("name", "is missing or longer than 120 letters".to_owned()));
    }
    let phone = match phone {
        "" => None,
        text => Some(crate::catalogue::normal_phone(text).map_err(|message| ("phone", message))?),
    };
    let email = match email {
        "" => None,
        text => {
            let parsed = text.parse::<lettre::Address>().map_err(|error| ("email", error.to_string()))?;
            Some(parsed.to_string().to_lowercase())
        }
    };
    if phone.is_none() && email.is_none() {
        return Err(("phone, email", "at least one of them is needed".to_owned()));
    }
    Ok(Contact { name: name.to_owned(), phone, email })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_has_a_name_and_a_way() {
        let ana = contact(" Ana ", "(32) 99999-0000", "Ana@Escola.br").unwrap();
        assert_eq!((ana.phone.as_deref(), ana.email.as_deref()), (Some("+5532999990000"), Some("ana@escola.br")));
        assert_eq!(contact("", "32999990000", "").unwrap_err().0, "name");
        assert_eq!(contact("Ana", "x", "").unwrap_err().0, "phone");
        assert_eq!(contact("Ana", "", "x").unwrap_err().0, "email");
        assert_eq!(contact("Ana", "", "").unwrap_err().0, "phone, email");
    }
}
