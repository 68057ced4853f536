//! The registry of rules: every version of every rule, where it stands in its life, who stood behind it, and what it would have
//! done before anybody trusted it. `risk` judges by the active ones; `docs/rules.md` tells the life of a rule.

pub mod check;
pub mod desk;
pub mod diff;
pub mod job;
pub mod life;
pub mod marks;
pub mod memory;
pub mod outline;
pub mod preview;
pub mod store;
pub mod storms;
pub mod sync;
pub mod town;
pub mod trial;
pub mod worker;

pub use life::State;

/// True for what may be a rule's id: it stands in addresses and in the texts of levels and alerts.
pub fn is_rule_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let goes_on = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_');
    starts && goes_on && text.len() <= 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_word_in_small_letters() {
        assert!(is_rule_id("chuva-encosta") && is_rule_id("r2_b"));
        for wrong in ["", "-a", "Chuva", "a b", "á", &"a".repeat(65)] {
            assert!(!is_rule_id(wrong), "{wrong}");
        }
    }
}
