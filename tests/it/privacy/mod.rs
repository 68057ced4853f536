//! Keys, the vault, consent, the residents' own page, retention, and what never reaches a log.

mod keys;
