//! The private PostgreSQL cluster under `data_dir`.
