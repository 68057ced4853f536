//! The keys that sign our messages: made here, sealed in the database under the ring `service`, with a certificate that anyone
//! may fetch. The newest one signs from the moment it is made; the older ones sign nothing any more, and what they signed
//! still verifies with the certificates at `/alerts/keys`.

pub mod store;

use chrono::{DateTime, Datelike as _, Utc};
use rcgen::PublicKeyData as _;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::alerts::cap::signature::{Key, SignError, pem};
use crate::audit::{self, Act, Actor, Entry};
use crate::clock::Instant;
use crate::config::Config;
use crate::hexadecimal::hex;
use crate::ids::Ids;
use crate::vault::{Keyring, SealError};

/// How the keys sign, as XML signatures name it.
pub const ALGORITHM: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
/// A certificate holds this long. Messages are verified years later, and who verifies has pinned the certificate.
const YEARS: i32 = 20;
/// Characters of the reason for which a key is revoked.
const MOST_WHY: usize = 500;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the signing key {name} cannot be opened: {source}")]
    Sealed { name: String, source: SealError },
    #[error("there is no signing key called {0:?}; `sentinela key list` names them")]
    Unknown(String),
    #[error("the signing key {0} is revoked already")]
    Revoked(String),
    #[error("a key cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A key as everybody may know it.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct SigningKey {
    /// `KeyName` in the signatures.
    pub name: String,
    /// ECDSA on the curve P-256 with SHA-256.
    pub algorithm: &'static str,
    /// SHA-256 of the certificate in DER, in hexadecimal.
    pub certificate_sha256: String,
    /// The public key as PEM (SubjectPublicKeyInfo).
    pub public_key_pem: String,
    /// The certificate as PEM (X.509, self-signed).
    pub certificate_pem: String,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    /// Since when it signs nothing any more; null for the one that signs now.
    pub retired_at: Option<DateTime<Utc>>,
    /// Since when it is not to be trusted, whatever it signed; null for one that is. It is not among the certificates as PEM.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Why; empty for one that is not revoked.
    pub revoked_why: String,
}

impl From<store::Row> for SigningKey {
    fn from(row: store::Row) -> Self {
        Self {
            algorithm: ALGORITHM,
            certificate_sha256: hex(&Sha256::digest(&row.certificate)),
            public_key_pem: pem("PUBLIC KEY", &row.public_key),
            certificate_pem: pem("CERTIFICATE", &row.certificate),
            name: row.name,
            created_at: row.created_at,
            created_by: row.created_by,
            retired_at: row.retired_at,
            revoked_at: row.revoked_at,
            revoked_why: row.revoked_why,
        }
    }
}

/// Makes, opens and lists keys.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub config: &'a Config,
    pub ids: &'a Ids,
    pub keys: &'a Keyring,
}

impl Desk<'_> {
    /// The key that signs now. The first one is made when there is none.
    ///
    /// # Errors
    /// When it cannot be opened or made; then nothing can be signed.
    pub async fn active(&self, conn: &mut PgConnection, now: Instant) -> Result<Key, KeyError> {
        let row = match store::active(&mut *conn).await? {
            Some(row) => row,
            None => {
                store::lock(&mut *conn).await?;
                // Another process may have made it meanwhile.
                match store::active(&mut *conn).await? {
                    Some(row) => row,
                    None => self.make(conn, now, &Actor::service()).await?,
                }
            }
        };
        let pkcs8 = self.keys.service.open(&context(row.id), &row.sealed);
        let pkcs8 = pkcs8.map_err(|source| KeyError::Sealed { name: row.name.clone(), source })?;
        Ok(Key::open(&row.name, &pkcs8, &row.certificate)?)
    }

    /// Makes a key, which signs from the end of the caller's transaction on, instead of the one before.
    ///
    /// # Errors
    /// When it cannot be made or kept.
    pub async fn rotate(&self, conn: &mut PgConnection, now: Instant, actor: &Actor) -> Result<SigningKey, KeyError> {
        store::lock(&mut *conn).await?;
        Ok(self.make(conn, now, actor).await?.into())
    }

    /// Takes the trust from a key that somebody else may have. Where it is the one that signs, a new one is made first, which is
    /// given back beside it.
    ///
    /// # Errors
    /// When there is none of that name, it is revoked already, or a new one cannot be made.
    pub async fn revoke(
        &self,
        conn: &mut PgConnection,
        now: Instant,
        actor: &Actor,
        name: &str,
        why: &str,
    ) -> Result<(SigningKey, Option<SigningKey>), KeyError> {
        store::lock(&mut *conn).await?;
        let row = store::named(&mut *conn, name).await?.ok_or_else(|| KeyError::Unknown(name.to_owned()))?;
        if row.revoked_at.is_some() {
            return Err(KeyError::Revoked(row.name));
        }
        let next = match row.retired_at {
            None => Some(self.make(&mut *conn, now, actor).await?.into()),
            Some(_) => None,
        };
        let why: String = why.trim().chars().take(MOST_WHY).collect();
        store::revoke(&mut *conn, row.id, now, &actor.name, &why).await?;
        let entry = Entry::new(Act::SigningKeyRevoke, "signing_key", row.name.clone());
        audit::record(&mut *conn, self.ids, now, actor, entry.to(serde_json::json!({ "why": why }))).await?;
        let retired_at = row.retired_at.or(Some(now));
        let revoked = store::Row { retired_at, revoked_at: Some(now), revoked_why: why, ..row };
        Ok((revoked.into(), next))
    }

    async fn make(&self, conn: &mut PgConnection, now: Instant, actor: &Actor) -> Result<store::Row, KeyError> {
        let town = &self.config.municipality;
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let public_key = pair.subject_public_key_info();
        let mark = hex(&Sha256::digest(&public_key)[..4]);
        let id = self.ids.uuid(now);
        let row = store::Row {
            id,
            name: format!("{}#{mark}", town.sender),
            certificate: certificate(&pair, &town.sender_name, &town.name, now)?,
            public_key,
            sealed: self.keys.service.seal(&context(id), &pair.serialize_der()),
            created_at: now,
            created_by: actor.name.clone(),
            retired_at: None,
            revoked_at: None,
            revoked_by: String::new(),
            revoked_why: String::new(),
        };
        store::add(&mut *conn, &row).await?;
        let entry = Entry::new(Act::SigningKeyAdd, "signing_key", row.name.clone());
        audit::record(conn, self.ids, now, actor, entry).await?;
        Ok(row)
    }

    /// Every key that ever signed, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(conn: &mut PgConnection) -> sqlx::Result<Vec<SigningKey>> {
        Ok(store::all(conn).await?.into_iter().map(SigningKey::from).collect())
    }
}

/// A certificate that the key signs itself: whom it belongs to is known from where it was fetched.
fn certificate(pair: &rcgen::KeyPair, who: &str, town: &str, now: Instant) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CountryName, "BR");
    params.distinguished_name.push(rcgen::DnType::OrganizationName, town);
    params.distinguished_name.push(rcgen::DnType::CommonName, who);
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    let day = |year: i32| {
        // The 29th of February is not in every year.
        let day = now.day().min(28);
        rcgen::date_time_ymd(year, u8::try_from(now.month()).unwrap_or(1), u8::try_from(day).unwrap_or(1))
    };
    (params.not_before, params.not_after) = (day(now.year()), day(now.year() + YEARS));
    Ok(params.self_signed(pair)?.der().to_vec())
}

/// What a private key is sealed for.
fn context(id: Uuid) -> String {
    format!("signing_key.sealed:{id}")
}

/// Every certificate that is to be trusted, newest first, as one PEM text.
pub fn bundle(keys: &[SigningKey]) -> String {
    keys.iter().filter(|key| key.revoked_at.is_none()).map(|key| key.certificate_pem.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::cap::signature::{Trusted, Verification, sign, verify};

    #[test]
    fn a_key_made_today_signs_and_its_certificate_verifies() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let now = "2028-02-29T12:00:00Z".parse().unwrap();
        let der = certificate(&pair, "Defesa Civil", "Juiz de Fora", now).unwrap();
        let key = Key::open("a#1", &pair.serialize_der(), &der).unwrap();
        let message =
            "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n  <identifier>1</identifier>\n</alert>\n";
        let signed = sign(message, &key).unwrap();
        let mut trusted = Trusted::default();
        trusted.add_pem("Juiz de Fora", &pem("CERTIFICATE", &der)).unwrap();
        assert!(matches!(verify(&signed, &trusted), Verification::Verified(by) if by.by == "Juiz de Fora"));
        let public = pem("PUBLIC KEY", &pair.subject_public_key_info());
        let mut bare = Trusted::default();
        bare.add_pem("Juiz de Fora", &public).unwrap();
        assert!(matches!(verify(&signed, &bare), Verification::Verified(_)));
    }
}
