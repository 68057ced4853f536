//! Who works here and what each may do: staff, their sessions and API tokens.
//!
//! Invariants:
//! - Only hashes are stored: Argon2id for passwords, SHA-256 for tokens, links and recovery codes (80 random bits or more).
//!   The key of a second factor must be read, so it is sealed under the service's key.
//! - A disabled person has no session and no token, from the next request on.
//! - A token is made here and never taken from a browser; each sign-in and each rise of privilege makes a new one.
//! - No answer tells whether a user name or an e-mail address is known.

pub mod factor;
pub mod lockout;
pub mod mail;
pub mod manage;
pub mod oidc;
pub mod password;
pub mod permission;
pub mod role;
pub mod setup;
pub mod store;
pub mod tokens;

pub use permission::{Permission, Permissions};
pub use role::{Role, Roles};
