//! How staff sign in.

use serde::Deserialize;

use super::sections::words;
use crate::accounts::Role;
use crate::secret::Secret;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    pub session_idle_min: u32,
    pub session_hours: u32,
    pub second_factor: SecondFactor,
}

/// Whether a second factor is asked of whoever may warn, manage or open the vault.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    Required,
    Optional,
}

/// Sign-in through the town's identity provider (`accounts::oidc`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub label: String,
    #[serde(deserialize_with = "words")]
    pub scopes: Vec<String>,
    pub username_claim: String,
    pub roles_claim: String,
    #[serde(deserialize_with = "words")]
    pub roles: Vec<RoleRule>,
    pub allow_password: bool,
    pub second_factor: OidcSecondFactor,
    #[serde(deserialize_with = "words")]
    pub accepted_acr: Vec<String>,
    #[serde(deserialize_with = "words")]
    pub accepted_amr: Vec<String>,
}

/// Who asks for the second factor of somebody who comes from the provider.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum OidcSecondFactor {
    /// We do, as of everybody.
    Own,
    /// The provider does, and says so by `acr` or `amr`; where it does not, we do.
    Provider,
}

/// What the provider says, and the role it gives here: `/plantao = operator`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRule {
    pub said: String,
    pub role: Role,
}

impl std::str::FromStr for RoleRule {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (said, role) =
            line.rsplit_once('=').ok_or_else(|| format!("{line:?} is wrong; expected \"group = role\""))?;
        let role = role.trim().parse::<Role>().map_err(|error| error.to_string())?;
        match said.trim() {
            "" => Err(format!("{line:?} is wrong; expected \"group = role\"")),
            said => Ok(Self { said: said.to_owned(), role }),
        }
    }
}

impl Oidc {
    pub fn is_on(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// What must hold once there is a provider.
    pub(super) fn check(&self, expect: &mut impl FnMut(bool, &str, &str, &str)) {
        if !self.is_on() {
            return expect(
                self.allow_password,
                "oidc.allow_password",
                "false",
                "true, as long as there is no oidc.issuer",
            );
        }
        let issuer = url::Url::parse(&self.issuer).ok();
        let fits = issuer.is_some_and(|url| {
            let loopback = match url.host() {
                Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
                Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
                Some(url::Host::Domain(name)) => name == "localhost",
                None => false,
            };
            let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
            is_plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
        });
        expect(fits, "oidc.issuer", &self.issuer, "an https:// address (http:// on this machine alone) without query");
        expect(!self.client_id.is_empty(), "oidc.client_id", "", "the name the provider knows the service by");
        expect(!self.label.trim().is_empty(), "oidc.label", &self.label, "the words on the button");
        expect(!self.username_claim.is_empty(), "oidc.username_claim", "", "the name of a claim");
        expect(!self.roles_claim.is_empty(), "oidc.roles_claim", "", "the name of a claim");
        expect(!self.roles.is_empty(), "oidc.roles", "[]", "at least one \"group = role\"; nobody could sign in");
        let says = !self.accepted_acr.is_empty() || !self.accepted_amr.is_empty();
        let fits = self.second_factor == OidcSecondFactor::Own || says;
        expect(fits, "oidc.second_factor", "provider", "oidc.accepted_acr or oidc.accepted_amr beside it");
    }
}
