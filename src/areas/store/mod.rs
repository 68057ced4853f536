//! Versions of areas in PostgreSQL.

mod read;
mod waiting;
mod watch;
mod write;

pub use read::{at, compare, content, gone_of_source, in_force, list, predecessor, version};
pub use waiting::{Kept, discard_import, find_import, forget_imports, keep_import};
pub use watch::{Check, Coverage, check_shape, coverage, outline, repair, standing};
pub use write::{Put, lock, put, record_present, release_due, take_force, withdraw};

/// What a column holds that no vocabulary knows.
pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
