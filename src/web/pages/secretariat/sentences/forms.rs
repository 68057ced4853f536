//! The forms of sentences that desks write for programs.

mod gapped;
mod whole;

/// Each form with the key of its words. What always reads the same comes first, so that no form with gaps takes it.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    whole::FORMS.iter().chain(gapped::FORMS).copied()
}
