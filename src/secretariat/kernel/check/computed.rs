//! Fields that nobody types: a product of whole numbers, its band, or whether a programme is one of the plan.

use super::Judge;
use crate::secretariat::kernel::FieldKind;
use crate::secretariat::kernel::define::{Computed, Field, Word};

impl Judge<'_> {
    /// What is reckoned is typed nowhere, and from whole numbers.
    pub(super) fn computed(&mut self, field: &Field) {
        let Some(computed) = &field.computed else { return };
        let is_choice = !computed.bands.is_empty() || computed.plan.is_some();
        let kind = if is_choice { FieldKind::Choice } else { FieldKind::Integer };
        if field.kind != kind || !field.later || field.is_closed() {
            self.wrong(&field.key, "what is computed is a whole number, or a choice by bands, that is filled in later");
        }
        if let Some(programme) = &computed.plan {
            self.of_plan(field, computed, programme);
            return;
        }
        if computed.product.is_empty() {
            self.wrong(&field.key, "product: expected at least one field");
        }
        for word in &computed.product {
            let is_number = |other: &&Field| other.kind == FieldKind::Integer && other.computed.is_none();
            if self.of.field(word.get_ref()).filter(is_number).is_none() {
                self.wrong(word, format!("expected a field of a whole number, not {:?}", word.get_ref()));
            }
        }
        for pair in computed.bands.windows(2).filter(|pair| pair[0].from >= pair[1].from) {
            self.wrong(&pair[1].key, "expected bands that rise");
        }
        for band in &computed.bands {
            if !field.options.iter().any(|option| option.key.get_ref() == band.key.get_ref()) {
                self.wrong(&band.key, format!("{:?} is none of the options", band.key.get_ref()));
            }
        }
    }

    /// Whether a programme is one of the plan is told by two words, and reckoned from nothing else.
    fn of_plan(&mut self, field: &Field, computed: &Computed, programme: &Word) {
        if self.of.field(programme.get_ref()).is_none_or(|other| other.kind != FieldKind::Line) {
            self.wrong(programme, format!("expected a field of a line, not {:?}", programme.get_ref()));
        }
        if !computed.product.is_empty() || !computed.bands.is_empty() {
            self.wrong(&field.key, "what is held against the plan has no product and no bands");
        }
        let mut words: Vec<&str> = field.options.iter().map(|option| option.key.get_ref().as_str()).collect();
        words.sort_unstable();
        if words != ["in_plan", "no_plan"] {
            self.wrong(&field.key, "expected the options in_plan and no_plan");
        }
    }
}
