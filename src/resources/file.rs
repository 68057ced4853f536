//! Resources from and to a list: CSV with `code,kind,typing,name,account,phone,skills,base`. Skills are words divided by spaces. Pure.

use super::{Class, NewResource, Resource, Skill};
use crate::catalogue::record::{Fields, Given};
use crate::catalogue::{Problems, Record};
use crate::cells::cell;

pub const HEAD: &str = "code,kind,typing,name,account,phone,skills,base,condition,team\r\n";

/// # Errors
/// Everything wrong in every record.
pub fn parse(records: &[Record]) -> Result<Vec<NewResource>, Problems> {
    let mut problems = Problems::default();
    let mut given = Given::default();
    let mut all = Vec::new();
    for record in records {
        let mut fields = Fields::of(record, &mut problems);
        let code = fields.code("code");
        if let Some(code) = &code {
            given.once(&mut fields, "code", code);
        }
        all.extend(one(&mut fields, code));
    }
    problems.or(all)
}

fn one(fields: &mut Fields<'_>, code: Option<String>) -> Option<NewResource> {
    let kind: Option<super::Kind> = fields.parsed("kind");
    let typing = fields.whole("typing", 1, 4).and_then(|typing| i16::try_from(typing).ok());
    let name = fields.shaped("name", |text| text.chars().count() <= 120, "at most 120 characters");
    let [account, phone, base] = ["account", "phone", "base"].map(|field| fields.text(field).unwrap_or_default());
    let given = fields.text("skills").unwrap_or_default();
    let mut skills: Vec<Skill> = Vec::new();
    for word in given.split([' ', ';']).filter(|word| !word.is_empty()) {
        match word.parse() {
            Ok(skill) => skills.push(skill),
            Err(error) => fields.wrong("skills", word, format!("{error}")),
        }
    }
    skills.sort_unstable();
    skills.dedup();
    if let Some(kind) = kind
        && kind.class() != Class::Person
    {
        for (field, value) in [("account", &account), ("phone", &phone), ("skills", &given)] {
            if !value.is_empty() {
                fields.wrong(field, value, "only a person has one");
            }
        }
    }
    if !fields.is_good() {
        return None;
    }
    Some(NewResource { code: code?, kind: kind?, typing, name: name?, account, phone, skills, base })
}

/// One line a resource, as the import reads it, with how it stands behind.
pub fn line(one: &Resource) -> String {
    let words: Vec<&str> = one.what.skills.iter().map(|skill| skill.as_str()).collect();
    let cells = [
        one.what.code.clone(),
        one.what.kind.to_string(),
        one.what.typing.map(|typing| typing.to_string()).unwrap_or_default(),
        cell(&one.what.name),
        one.what.account.clone(),
        one.what.phone.clone(),
        words.join(" "),
        cell(&one.what.base),
        one.condition.to_string(),
        cell(one.team_name.as_deref().unwrap_or_default()),
    ];
    cells.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Format, read};

    #[test]
    fn a_list_is_taken_and_every_mistake_is_named() {
        let header = "code,kind,typing,name,account,phone,skills,base\n";
        let good = format!(
            "{header}P1,engineer,,Ana Prado,ana,+5532999990001,engineering driving,Sede\nV1,pickup,3,VTR 01,,,,Garagem\n"
        );
        let all = parse(&read(Format::Csv, good.as_bytes()).unwrap()).unwrap();
        assert_eq!(all[0].skills, [Skill::Driving, Skill::Engineering]);
        assert_eq!((all[1].typing, all[1].kind.class()), (Some(3), Class::Vehicle));
        let bad = format!("{header}P1,wizard,9,Ana,,,,\nP1,pickup,,VTR,ana,,boat flying,\n");
        let told = parse(&read(Format::Csv, bad.as_bytes()).unwrap()).unwrap_err().to_string();
        for expected in ["wizard", "typing = \"9\"", "flying", "account = \"ana\"", "was given before, on line 2"] {
            assert!(told.contains(expected), "{expected} is not in {told}");
        }
    }
}
