//! What the provider says of a person, and what follows from it here. Pure.

use serde_json::Value;

use crate::accounts::Roles;
use crate::config::{Oidc, OidcSecondFactor, RoleRule};

/// The value at a dotted path such as "realm_access.roles". A claim whose own name has dots (`https://town/roles`) is found
/// by its whole name first.
fn at<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(path) {
        return Some(found);
    }
    path.split('.').try_fold(claims, |inside, name| inside.get(name))
}

/// The words of a claim that is a list, one word, or several in one line.
fn words<'a>(claims: &'a Value, path: &str) -> Vec<&'a str> {
    match at(claims, path) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(line)) => {
            line.split_whitespace().chain(line.contains(' ').then_some(line.as_str())).collect()
        }
        _ => Vec::new(),
    }
}

/// True when the claim with the roles is there at all, though perhaps empty.
pub fn has_roles(claims: &Value, config: &Oidc) -> bool {
    at(claims, &config.roles_claim).is_some()
}

/// The roles here of what the provider says.
pub fn roles(claims: &Value, path: &str, rules: &[RoleRule]) -> Roles {
    let said = words(claims, path);
    Roles::new(rules.iter().filter(|rule| said.contains(&rule.said.as_str())).map(|rule| rule.role))
}

/// Whether the provider says that it asked for a second factor, in a way the configuration accepts.
pub fn second_factor(claims: &Value, config: &Oidc) -> bool {
    let accepts =
        |list: &[String], claim: &str| words(claims, claim).iter().any(|said| list.iter().any(|word| word == said));
    config.second_factor == OidcSecondFactor::Provider
        && (accepts(&config.accepted_acr, "acr") || accepts(&config.accepted_amr, "amr"))
}

/// A user name in our letters. `None` when nothing of it is left.
pub fn username(claims: &Value, path: &str) -> Option<String> {
    let said = at(claims, path)?.as_str()?.trim().to_lowercase();
    let ours = said.chars().map(|letter| match letter {
        'a'..='z' | '0'..='9' | '.' | '_' | '-' => letter,
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        _ => '-',
    });
    let ours: String = ours.collect();
    let ours: String = ours.trim_start_matches(['.', '_', '-']).chars().take(60).collect();
    (ours.len() >= 2).then_some(ours)
}

/// How the person is called in pages: as the provider says, or by the user name.
pub fn name(claims: &Value, username: &str) -> String {
    let said = claims.get("name").and_then(Value::as_str).unwrap_or_default();
    let said: String = said.chars().filter(|letter| !letter.is_control()).take(120).collect();
    if said.trim().is_empty() { username.to_owned() } else { said.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::accounts::Role;

    fn map() -> Vec<RoleRule> {
        ["/plantao = operator", "coordenacao geral = coordinator"].map(|line| line.parse().unwrap()).into()
    }

    #[test]
    fn roles_are_found_by_path_by_name_and_in_one_line() {
        let nested = json!({ "realm_access": { "roles": ["/plantao", "offline_access"] } });
        assert_eq!(roles(&nested, "realm_access.roles", &map()), Role::Operator.into());
        let dotted = json!({ "https://town.example/roles": ["coordenacao geral"] });
        assert_eq!(roles(&dotted, "https://town.example/roles", &map()), Role::Coordinator.into());
        let line = json!({ "groups": "outros /plantao" });
        assert_eq!(roles(&line, "groups", &map()), Role::Operator.into());
        let whole = json!({ "group": "coordenacao geral" });
        assert_eq!(roles(&whole, "group", &map()), Role::Coordinator.into());
    }

    #[test]
    fn what_is_not_mapped_or_of_another_shape_gives_no_role() {
        for claims in [json!({}), json!({ "groups": [1, null, "x"] }), json!({ "groups": { "/plantao": true } })] {
            assert!(roles(&claims, "groups", &map()).as_slice().is_empty(), "{claims}");
        }
    }

    #[test]
    fn user_names_are_put_into_our_letters() {
        let named = |text: &str| username(&json!({ "preferred_username": text }), "preferred_username");
        assert_eq!(named("João.Conceição"), Some("joao.conceicao".into()));
        assert_eq!(named("maria@cidade.gov.br"), Some("maria-cidade.gov.br".into()));
        assert_eq!(named("--'"), None);
        assert_eq!(named("x"), None);
    }
}
