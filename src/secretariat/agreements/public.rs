//! What everybody may read of an agreement: a list of fields, and no other. No bank data, no whole CPF. Pure.

use serde_json::{Value, json};

use super::{Agreement, State};
use crate::secretariat::kernel::instrument::Public;
use crate::secretariat::kernel::instrument::public::of_core;

/// A call is public from its opening, an agreement from its extract on, an expression of interest when it was answered.
pub fn of(one: &Agreement, number: &str) -> Option<Public> {
    let is_public = match one.state {
        State::Call | State::Waived | State::Answered => true,
        State::Cancelled => false,
        _ => one.core.published.is_some() || one.way.is_some(),
    };
    if !is_public {
        return None;
    }
    let mut snapshot = of_core(&one.core);
    if let Value::Object(fields) = &mut snapshot {
        if one.core.published.is_none() && one.state != State::Answered {
            // Until the extract is out only the call and who won it.
            let open = ["object", "partner", "partner_document"];
            fields.retain(|name, _| open.contains(&name.as_str()));
        }
        fields.insert("number".into(), json!(number));
        fields.insert("kind".into(), json!(one.kind));
        fields.insert("state".into(), json!(one.state));
        if let Some(way) = &one.way {
            let call = json!({ "opened_on": way.opened_on, "closes_on": way.closes_on, "place": way.place, "ground": way.ground,
                "law_ref": way.law_ref });
            fields.insert("selection".into(), call);
        }
        fields.insert("outcome".into(), json!(one.outcome));
        if !one.outcome_reason.is_empty() {
            fields.insert("outcome_reason".into(), json!(one.outcome_reason));
        }
    }
    Some(Public { snapshot, over_on: one.closed_on })
}
