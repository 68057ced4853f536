//! Machines: API tokens, secrets and certificates of devices, with the programs that really use them.

mod console;
mod endpoint;
mod pace;
mod revocation;
mod tls;
mod tokens;
