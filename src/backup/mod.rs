//! Backups: one archive that holds everything an installation is made of, and what a restored installation may do.
//!
//! The archive is a ZIP whose parts are stored as they are, so that it can be opened without this program: the database as `pg_dump`
//! writes it, the configuration and the files it names, the noted heads of the audit, on request the keys, sealed. Its manifest, the last
//! part, says what is in it and the SHA-256 of each part. The work with files and programs is in `cli::backup` and `cli::restore`.

pub mod hold;
pub mod manifest;
pub mod proof;
pub mod seal;
pub mod settle;
pub mod space;
pub mod store;

pub use manifest::{Manifest, Part};
pub use proof::Proof;
