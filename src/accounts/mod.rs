//! Who works here and what each may do: staff, their sessions and API tokens.
//!
//! Invariants:
//! - Only hashes are stored: Argon2id for passwords, SHA-256 for session and API tokens (192 random bits each).
//! - A disabled person has no session and no token, from the next request on.

pub mod password;
pub mod permission;
pub mod role;
pub mod store;
pub mod throttle;
pub mod tokens;

pub use permission::{Permission, Permissions};
pub use role::{Role, Roles};
