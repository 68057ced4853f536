//! Machines: API tokens, secrets and certificates of devices, with the programs that really use them.

mod tokens;
