//! What people write of an exercise, read and bounded. Pure.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::catalogue::normal_phone;
use crate::clock::Instant;
use crate::cobrade::Cobrade;
use crate::refused::{FieldError, shorten};

/// The longest an exercise may be planned to last.
const LONGEST: TimeDelta = TimeDelta::days(14);
/// Most injects and areas of one exercise.
const MOST_INJECTS: usize = 300;
const MOST_AREAS: usize = 500;
/// The latest minute of an inject: two days.
pub const LAST_MINUTE: i32 = 2880;

/// An exercise as it is planned. Replaces all that was planned before.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExercisePlan)]
pub struct Plan {
    /// One line.
    #[schema(
        min_length = 1,
        max_length = 160,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\S[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
    )]
    pub title: String,
    /// What is supposed to happen. For the staff.
    #[serde(default)]
    #[schema(max_length = 8000)]
    pub scenario: String,
    /// The hazard: a leaf code of COBRADE.
    pub cobrade: String,
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub objectives: String,
    /// Where people meet. Public.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub place: String,
    /// What residents read of it before they join.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub public_text: String,
    /// Who answers for it, by name. Public.
    #[schema(
        min_length = 1,
        max_length = 160,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\S[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
    )]
    pub responsible: String,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// Shown to residents, who may join it.
    #[serde(default = "yes")]
    pub listed: bool,
    /// Days before the start at which it announces itself; 0 = not.
    #[schema(minimum = 0, maximum = 60)]
    pub announce_days: i32,
    /// Hours before the start at which it announces itself again; 0 = not.
    #[schema(minimum = 0, maximum = 72)]
    pub announce_hours: i32,
    /// Codes of the areas it is about.
    pub areas: Vec<String>,
    #[serde(default)]
    pub injects: Vec<PlannedInject>,
}

const fn yes() -> bool {
    true
}

/// What the controller brings in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExercisePlannedInject)]
pub struct PlannedInject {
    /// Minutes after the start.
    #[schema(minimum = 0, maximum = 2880)]
    pub at_min: i32,
    #[schema(min_length = 1, max_length = 500)]
    pub text: String,
}

fn wrong(field: &str, value: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), value: shorten(value), message: message.into() }
}

/// Line breaks and tabs are words of a longer text; other control characters are nobody's.
fn is_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn is_line(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Holds a text against its bounds; `least` is 1 for what must be said.
pub fn text(problems: &mut Vec<FieldError>, field: &str, value: &str, least: usize, most: usize, one_line: bool) {
    let length = value.trim().chars().count();
    let is_good = if one_line { is_line(value.trim()) } else { is_text(value) };
    if length < least || value.chars().count() > most || !is_good {
        let kind = if one_line { "on one line" } else { "without control characters" };
        problems.push(wrong(field, value, format!("expected {least} to {most} characters {kind}")));
    }
}

impl Plan {
    /// Everything that is wrong with it. `now`: nothing is planned into the past.
    pub fn problems(&self, now: Instant) -> Vec<FieldError> {
        let mut problems = Vec::new();
        text(&mut problems, "title", &self.title, 1, 160, true);
        text(&mut problems, "responsible", &self.responsible, 1, 160, true);
        text(&mut problems, "place", &self.place, 0, 300, true);
        text(&mut problems, "scenario", &self.scenario, 0, 8000, false);
        text(&mut problems, "objectives", &self.objectives, 0, 4000, false);
        text(&mut problems, "public_text", &self.public_text, 0, 4000, false);
        if let Err(error) = self.cobrade.parse::<Cobrade>() {
            problems.push(wrong("cobrade", &self.cobrade, error.to_string()));
        }
        let (from, to) = (self.starts_at, self.ends_at);
        if from < now {
            problems.push(wrong("starts_at", &from.to_rfc3339(), "expected an instant that is not over"));
        }
        if to <= from || to - from > LONGEST {
            let expected = format!("expected an instant after the start, at most {} days later", LONGEST.num_days());
            problems.push(wrong("ends_at", &to.to_rfc3339(), expected));
        }
        for (field, value, most) in
            [("announce_days", self.announce_days, 60), ("announce_hours", self.announce_hours, 72)]
        {
            if !(0..=most).contains(&value) {
                problems.push(wrong(field, &value.to_string(), format!("expected 0 to {most}")));
            }
        }
        if self.areas.is_empty() || self.areas.len() > MOST_AREAS {
            let count = self.areas.len().to_string();
            problems.push(wrong("areas", &count, format!("expected the codes of 1 to {MOST_AREAS} areas")));
        }
        self.look_at_injects(&mut problems);
        problems
    }

    fn look_at_injects(&self, problems: &mut Vec<FieldError>) {
        if self.injects.len() > MOST_INJECTS {
            let count = self.injects.len().to_string();
            problems.push(wrong("injects", &count, format!("expected at most {MOST_INJECTS}")));
        }
        for (index, inject) in self.injects.iter().take(MOST_INJECTS).enumerate() {
            if !(0..=LAST_MINUTE).contains(&inject.at_min) {
                let field = format!("injects[{index}].at_min");
                problems.push(wrong(&field, &inject.at_min.to_string(), format!("expected 0 to {LAST_MINUTE}")));
            }
            text(problems, &format!("injects[{index}].text"), &inject.text, 1, 500, true);
        }
    }
}

/// The injects as the page takes them, one a line: `+10 rachadura na rua X`. Empty lines are none.
///
/// # Errors
/// The lines that are not so, by number.
pub fn injects(lines: &str) -> Result<Vec<PlannedInject>, Vec<FieldError>> {
    let (mut injects, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = line.trim().trim_start_matches('+').split_once(char::is_whitespace);
        let read = read.and_then(|(minute, text)| Some((minute.trim_end_matches("min").parse::<i32>().ok()?, text)));
        match read {
            Some((at_min, text)) => {
                let text = text.trim().trim_start_matches("min ").trim().to_owned();
                injects.push(PlannedInject { at_min, text });
            }
            None => problems.push(wrong(
                &format!("injects: {}", number + 1),
                line,
                "expected minutes and a text, such as \"+10 rachadura na rua das Flores\"",
            )),
        }
    }
    if problems.is_empty() { Ok(injects) } else { Err(problems) }
}

/// Back into lines.
pub fn lines<'a>(injects: impl Iterator<Item = (i32, &'a str)>) -> String {
    injects.map(|(minute, text)| format!("+{minute} {text}\n")).collect()
}

/// Somebody that the staff puts on the list: one of themselves, an institution, or a community nucleus. Residents are not among
/// them: they join by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = ExerciseInvited)]
pub enum Invited {
    /// By user name.
    Staff { username: String },
    Institution {
        #[schema(min_length = 1, max_length = 160)]
        name: String,
        /// Whom to ask for.
        #[serde(default)]
        #[schema(max_length = 160)]
        contact: String,
        #[serde(default)]
        phone: String,
        #[serde(default)]
        email: String,
    },
    /// NUPDEC, by what it is called.
    Nucleus {
        #[schema(min_length = 1, max_length = 160)]
        name: String,
        #[serde(default)]
        #[schema(max_length = 160)]
        contact: String,
        #[serde(default)]
        phone: String,
        #[serde(default)]
        email: String,
    },
}

/// One who was read, with the telephone in E.164 and the address in small letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outsider {
    pub kind: &'static str,
    pub name: String,
    pub contact: String,
    pub phone: String,
    pub email: String,
}

impl Invited {
    /// An institution or a nucleus, read; `None` for one of the staff.
    ///
    /// # Errors
    /// The fields that are wrong. An institution needs a way to be reached; a nucleus may have none.
    pub fn outsider(&self) -> Result<Option<Outsider>, Vec<FieldError>> {
        let (kind, name, contact, phone, email) = match self {
            Self::Staff { .. } => return Ok(None),
            Self::Institution { name, contact, phone, email } => ("institution", name, contact, phone, email),
            Self::Nucleus { name, contact, phone, email } => ("nucleus", name, contact, phone, email),
        };
        let mut problems = Vec::new();
        text(&mut problems, "name", name, 1, 160, true);
        text(&mut problems, "contact", contact, 0, 160, true);
        let mut read = |field: &str, given: &str, read: fn(&str) -> Result<String, String>| {
            if given.trim().is_empty() {
                return String::new();
            }
            read(given.trim()).unwrap_or_else(|message| {
                problems.push(wrong(field, given, message));
                String::new()
            })
        };
        let phone_read = read("phone", phone, normal_phone);
        let email_read = read("email", email, |text| {
            text.parse::<lettre::Address>().map(|read| read.to_string().to_lowercase()).map_err(|e| e.to_string())
        });
        if kind == "institution" && phone.trim().is_empty() && email.trim().is_empty() {
            problems.push(wrong("phone", "", "expected a telephone or an e-mail address of the institution"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let (name, contact) = (name.trim().to_owned(), contact.trim().to_owned());
        Ok(Some(Outsider { kind, name, contact, phone: phone_read, email: email_read }))
    }
}

/// What has to become better.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExerciseNewImprovement)]
pub struct NewImprovement {
    #[schema(min_length = 1, max_length = 1000)]
    pub what: String,
    #[schema(min_length = 1, max_length = 160)]
    pub owner: String,
    pub due_on: NaiveDate,
}

impl NewImprovement {
    pub fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        text(&mut problems, "what", &self.what, 1, 1000, false);
        text(&mut problems, "owner", &self.owner, 1, 160, true);
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn now() -> Instant {
        from_micros(1_780_000_000_000_000)
    }

    fn plan() -> Plan {
        Plan {
            title: "Simulado de evacuação".into(),
            scenario: "Chove 90 mm em 24 h.".into(),
            cobrade: "1.1.3.2.1".into(),
            objectives: String::new(),
            place: "Escola".into(),
            public_text: String::new(),
            responsible: "Maria".into(),
            starts_at: now() + TimeDelta::days(10),
            ends_at: now() + TimeDelta::days(10) + TimeDelta::hours(3),
            listed: true,
            announce_days: 7,
            announce_hours: 24,
            areas: vec!["morro-alto".into()],
            injects: vec![PlannedInject { at_min: 10, text: "Rachadura".into() }],
        }
    }

    #[test]
    fn a_plan_that_makes_no_sense_is_told_every_reason_at_once() {
        assert_eq!(plan().problems(now()), []);
        let bad = Plan {
            title: " ".into(),
            cobrade: "9.9".into(),
            scenario: "a\u{0}b".into(),
            starts_at: now() - TimeDelta::hours(1),
            ends_at: now() - TimeDelta::hours(2),
            announce_days: 61,
            areas: Vec::new(),
            injects: vec![PlannedInject { at_min: -1, text: String::new() }],
            ..plan()
        };
        let fields: Vec<String> = bad.problems(now()).into_iter().map(|problem| problem.field).collect();
        assert_eq!(
            fields,
            [
                "title",
                "scenario",
                "cobrade",
                "starts_at",
                "ends_at",
                "announce_days",
                "areas",
                "injects[0].at_min",
                "injects[0].text"
            ]
        );
    }

    #[test]
    fn injects_are_lines_with_minutes() {
        let read = injects("+0 Sirene\n\n 10 Rachadura na rua X\n+45min Ônibus quebrou\n+50 min Fim").unwrap();
        let told: Vec<_> = read.iter().map(|inject| (inject.at_min, inject.text.as_str())).collect();
        assert_eq!(told, [(0, "Sirene"), (10, "Rachadura na rua X"), (45, "Ônibus quebrou"), (50, "Fim")]);
        let again = injects(&lines(told.into_iter())).unwrap();
        assert_eq!(again, read);
        let refused = injects("+10 ok\nsem minuto").unwrap_err();
        assert_eq!(refused[0].field, "injects: 2");
    }

    #[test]
    fn an_institution_needs_a_way_to_be_reached_and_a_nucleus_none() {
        let institution = |phone: &str, email: &str| Invited::Institution {
            name: "Corpo de Bombeiros".into(),
            contact: "Cap. Lima".into(),
            phone: phone.into(),
            email: email.into(),
        };
        assert_eq!(institution("", "").outsider().unwrap_err()[0].field, "phone");
        assert_eq!(institution("12", "").outsider().unwrap_err()[0].field, "phone");
        let read = institution("(32) 99999-0000", "Bombeiros@Exemplo.br").outsider().unwrap().unwrap();
        assert_eq!((read.phone.as_str(), read.email.as_str()), ("+5532999990000", "bombeiros@exemplo.br"));
        let (name, none) = ("NUPDEC Bom Pastor".to_owned(), String::new());
        let nucleus = Invited::Nucleus { name, contact: none.clone(), phone: none.clone(), email: none };
        assert_eq!(nucleus.outsider().unwrap().unwrap().kind, "nucleus");
    }

    #[test]
    fn nobody_can_put_a_resident_on_the_list() {
        let tried = serde_json::from_str::<Invited>(r#"{"kind": "resident", "resident_id": "x"}"#).unwrap_err();
        assert!(tried.to_string().contains("unknown variant `resident`"), "{tried}");
    }
}
