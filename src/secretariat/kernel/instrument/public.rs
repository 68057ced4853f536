//! What everybody may read of an instrument: a list of fields, and no other. No bank data, no whole CPF. Pure.

use serde_json::{Value, json};

use super::Core;
use crate::secretariat::kernel::values::mask_text;

/// The same without a CPF that somebody wrote into a free text (Lei 12.527/2011, art. 31).
pub fn masked(snapshot: Value) -> Value {
    match snapshot {
        Value::String(text) => Value::String(mask_text(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(masked).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, inner)| (name, masked(inner))).collect()),
        other => other,
    }
}

/// The parts that every instrument shows.
pub fn of_core(core: &Core) -> Value {
    let totals = core.ledger.totals();
    let plan = core.plan.as_ref().map(|plan| {
        json!({ "goals": plan.goals.iter().map(|one| json!({ "title": one.title, "indicator": one.indicator })).collect::<Vec<_>>(),
            "stages": plan.stages.iter().map(|one| json!({ "title": one.title, "starts_on": one.starts_on, "ends_on": one.ends_on,
                "done_on": one.done_on })).collect::<Vec<_>>(),
            "schedule": plan.schedule.iter().map(|one| json!({ "on": one.on, "centavos": one.centavos })).collect::<Vec<_>>() })
    });
    let amendments: Vec<Value> = core
        .amendments
        .iter()
        .map(|one| {
            json!({ "number": one.number, "on": one.on, "reason": one.reason, "agreed_centavos": one.agreed.map(|(_, after)| after),
                "ends_on": one.ends_on.map(|(_, after)| after) })
        })
        .collect();
    let partner = core.partner();
    json!({
        "object": core.object,
        "partner": partner.map(|party| party.name.clone()).unwrap_or_default(),
        "partner_document": partner.map(|party| party.document.masked()).unwrap_or_default(),
        "agreed_centavos": core.value(),
        "starts_on": core.term.map(|term| term.starts_on),
        "ends_on": core.ends_on(),
        "signed_on": core.signed_on,
        "published_on": core.published.as_ref().map(|extract| extract.on),
        "published_in": core.published.as_ref().map(|extract| extract.place.clone()),
        "manager": core.manager,
        "plan": plan,
        "amendments": amendments,
        "released_centavos": totals.released,
        "counterpart_due_centavos": totals.counterpart_due,
        "counterpart_paid_centavos": totals.counterpart_paid,
        "accounted_centavos": totals.spent,
        "returned_centavos": totals.returned,
        "accounts": core.accounts.iter().map(|one| json!({ "on": one.on, "centavos": one.spent, "interim": one.interim })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpf_is_masked_wherever_it_stands_and_a_cnpj_is_not() {
        let snapshot = json!({ "object": "Aluguel a 529.982.247-25", "partner_document": "11.222.333/0001-81", "agreed_centavos": 52_998_224_725_i64,
            "amendments": [{ "reason": "Novo locador: 52998224725" }] });
        let masked = masked(snapshot);
        assert_eq!(masked["object"], "Aluguel a ***.982.247-**");
        assert_eq!(masked["amendments"][0]["reason"], "Novo locador: ***.982.247-**");
        assert_eq!(
            (&masked["partner_document"], &masked["agreed_centavos"]),
            (&json!("11.222.333/0001-81"), &json!(52_998_224_725_i64))
        );
    }
}
