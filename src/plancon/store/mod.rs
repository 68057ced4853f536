//! Plans, activations and tasks in PostgreSQL.

pub mod activations;
pub mod plans;
pub mod tasks;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
