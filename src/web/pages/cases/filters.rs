//! The filters of the occurrences at work, as they stand in the address. Each change of one is a link.

use serde::Deserialize;
use sqlx::PgConnection;

use crate::cobrade::Cobrade;
use crate::ids::IncidentId;
use crate::occurrences::store::list::{Cursor, Wish};
use crate::occurrences::{AT_WORK, Age, EVERY, Priority, Show};
use crate::reports::{Kind, State};
use crate::units::UnknownWord;
use crate::web::error::ApiError;

/// The query as it came.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    view: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    priority: String,
    #[serde(default)]
    hazard: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    age: String,
    #[serde(default)]
    mine: String,
    #[serde(default)]
    incident: String,
    #[serde(default)]
    within: String,
    #[serde(default)]
    after: String,
}

/// The filters, read.
#[derive(Clone, Debug)]
pub struct Filters {
    pub show: Show,
    /// None for what is at work; `is_every` for all.
    pub state: Option<State>,
    pub is_every: bool,
    pub priority: Option<Priority>,
    pub hazard: Option<Cobrade>,
    pub area: Option<String>,
    pub kind: Option<Kind>,
    pub age: Option<Age>,
    pub is_mine: bool,
    pub incident: Option<IncidentId>,
    pub within: Option<[f64; 4]>,
    pub after: Option<Cursor>,
}

fn known<T: std::str::FromStr<Err = UnknownWord>>(field: &str, word: &str) -> Result<Option<T>, ApiError> {
    if word.is_empty() {
        return Ok(None);
    }
    word.parse().map(Some).map_err(|error: UnknownWord| ApiError::field(field, word, error.to_string()))
}

fn read<T: std::str::FromStr>(field: &str, word: &str, expected: &str) -> Result<Option<T>, ApiError> {
    if word.is_empty() {
        return Ok(None);
    }
    word.parse().map(Some).map_err(|_| ApiError::field(field, word, format!("expected {expected}")))
}

fn square(text: &str) -> Result<Option<[f64; 4]>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let numbers: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    let four: Option<[f64; 4]> = numbers.try_into().ok();
    let good = four.filter(|[west, south, east, north]| west <= east && south <= north && text.len() <= 80);
    good.filter(|four| four.iter().all(|number| number.is_finite()))
        .map(Some)
        .ok_or_else(|| ApiError::field("within", text, "expected west,south,east,north in degrees"))
}

impl Filters {
    /// # Errors
    /// Names the parameter and what was expected.
    pub fn read(wanted: Wanted) -> Result<Self, ApiError> {
        let is_every = wanted.state == "all";
        let hazard = wanted.hazard.as_str();
        let area = wanted.area;
        if area.chars().count() > 64 {
            return Err(ApiError::field("area", area, "expected the code of a risk area"));
        }
        Ok(Self {
            show: known("view", &wanted.view)?.unwrap_or(Show::List),
            state: if is_every { None } else { known("state", &wanted.state)? },
            is_every,
            priority: read("priority", &wanted.priority, "1, 2, 3 or 4")?,
            hazard: read("hazard", hazard, "a COBRADE code")?,
            area: Some(area).filter(|area| !area.is_empty()),
            kind: known("kind", &wanted.kind)?,
            age: known("age", &wanted.age)?,
            is_mine: !wanted.mine.is_empty(),
            incident: read::<uuid::Uuid>("incident", &wanted.incident, "the id of an incident")?.map(IncidentId),
            within: square(&wanted.within)?,
            after: read("after", &wanted.after, "the address of a next page")?,
        })
    }

    /// What the database is asked for when this account asks.
    pub fn wish(&self, me: &str) -> Wish {
        let states = match self.state {
            Some(state) => vec![state],
            None if self.is_every => EVERY.to_vec(),
            None => AT_WORK.to_vec(),
        };
        Wish {
            states,
            priority: self.priority,
            hazard: self.hazard.map(|hazard| hazard.to_string()),
            area: self.area.clone(),
            kind: self.kind.map(Kind::as_str),
            age: self.age,
            assignee: self.is_mine.then(|| me.to_owned()),
            incident: self.incident,
            within: self.within,
        }
    }

    /// Every filter with its word, but for the page.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let state =
            if self.is_every { "all".to_owned() } else { self.state.map(|one| one.to_string()).unwrap_or_default() };
        let within = self.within.map(|four| four.map(|number| format!("{number:.6}")).join(",")).unwrap_or_default();
        let pairs = [
            ("view", if self.show == Show::List { String::new() } else { self.show.to_string() }),
            ("state", state),
            ("priority", self.priority.map(|one| one.number().to_string()).unwrap_or_default()),
            ("hazard", self.hazard.map(|one| one.to_string()).unwrap_or_default()),
            ("area", self.area.clone().unwrap_or_default()),
            ("kind", self.kind.map(|one| one.to_string()).unwrap_or_default()),
            ("age", self.age.map(|one| one.to_string()).unwrap_or_default()),
            ("mine", if self.is_mine { "yes".into() } else { String::new() }),
            ("incident", self.incident.map(|one| one.to_string()).unwrap_or_default()),
            ("within", within),
        ];
        pairs.into_iter().filter(|(_, word)| !word.is_empty()).collect()
    }

    fn address(pairs: &[(&str, String)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        pairs.iter().for_each(|(name, word)| {
            query.append_pair(name, word);
        });
        query.finish()
    }

    /// The filters as a query.
    pub fn query(&self) -> String {
        Self::address(&self.pairs())
    }

    /// The same page with one filter set to another word, or taken away when it is empty; from its first line on.
    pub fn link(&self, name: &str, word: impl AsRef<str>) -> String {
        let mut pairs: Vec<(&str, String)> = self.pairs().into_iter().filter(|(other, _)| *other != name).collect();
        if !word.as_ref().is_empty() {
            pairs.push((name, word.as_ref().to_owned()));
        }
        format!("/console/occurrences?{}", Self::address(&pairs))
    }

    /// The list of what lies in a square of the map.
    pub fn within(&self, square: &str) -> String {
        Self { show: Show::List, within: None, ..self.clone() }.link("within", square)
    }

    /// The file of the same occurrences.
    pub fn file(&self) -> String {
        format!("/console/occurrences.csv?{}", self.query())
    }

    pub fn is_state(&self, state: &Option<State>) -> bool {
        !self.is_every && self.state == *state
    }

    pub fn is_priority(&self, priority: &Priority) -> bool {
        self.priority == Some(*priority)
    }

    pub fn is_age(&self, age: &Age) -> bool {
        self.age == Some(*age)
    }

    pub fn is_kind(&self, kind: &Kind) -> bool {
        self.kind == Some(*kind)
    }

    pub fn word_of_state(state: &Option<State>) -> &'static str {
        state.map_or("", State::as_str)
    }

    /// Whether anything beside the view is chosen.
    pub fn is_narrow(&self) -> bool {
        self.pairs().iter().any(|(name, _)| *name != "view")
    }

    pub fn hazard_word(&self) -> String {
        self.hazard.map(|one| one.to_string()).unwrap_or_default()
    }

    pub fn has_area(&self, code: &str) -> bool {
        self.area.as_deref() == Some(code)
    }
}

/// Risk areas in service, by name.
pub async fn areas(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!("select code, name from risk_area where retired_at is null order by name, code limit 500");
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.code, row.name)).collect())
}

/// Hazards of which there are occurrences.
pub async fn hazards(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String)>> {
    let codes = sqlx::query_scalar!(
        r#"select distinct cobrade as "code!" from occurrence where cobrade is not null order by 1"#
    );
    let name = |code: String| (code.clone(), code.parse::<Cobrade>().map_or(code, |code| code.name().to_owned()));
    Ok(codes.fetch_all(conn).await?.into_iter().map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(query: &[(&str, &str)]) -> Result<Filters, ApiError> {
        let of = |name: &str| query.iter().find(|(other, _)| *other == name).map_or("", |(_, word)| word).to_owned();
        Filters::read(Wanted {
            view: of("view"),
            state: of("state"),
            priority: of("priority"),
            hazard: of("hazard"),
            area: of("area"),
            kind: of("kind"),
            age: of("age"),
            mine: of("mine"),
            incident: of("incident"),
            within: of("within"),
            after: of("after"),
        })
    }

    #[test]
    fn a_link_keeps_the_other_filters_and_begins_at_the_first_line() {
        let q = filters(&[
            ("view", "board"),
            ("priority", "1"),
            ("area", "jf-são"),
            ("after", "2.5.00000000000000000000000000000007"),
        ]);
        let q = q.unwrap();
        let link = q.link("kind", "landslide");
        assert_eq!(link, "/console/occurrences?view=board&priority=1&area=jf-s%C3%A3o&kind=landslide");
        assert_eq!(q.link("priority", ""), "/console/occurrences?view=board&area=jf-s%C3%A3o");
        assert!(q.is_narrow() && !filters(&[("view", "map")]).unwrap().is_narrow());
    }

    #[test]
    fn what_is_no_word_of_a_filter_is_refused_by_its_name() {
        for (name, word) in [
            ("view", "table"),
            ("state", "open"),
            ("priority", "5"),
            ("hazard", "9.9.9.9.9"),
            ("kind", "rain"),
            ("age", "1d"),
            ("incident", "2026/001"),
            ("within", "1,2,3"),
            ("within", "NaN,0,1,1"),
            ("after", "x"),
        ] {
            let Err(ApiError::BadRequest { errors, .. }) = filters(&[(name, word)]) else { panic!("{name}={word}") };
            assert_eq!(errors[0].field, name);
        }
    }

    #[test]
    fn without_a_state_what_is_at_work_is_meant() {
        assert_eq!(filters(&[]).unwrap().wish("ana").states, AT_WORK);
        assert_eq!(filters(&[("state", "all")]).unwrap().wish("ana").states, EVERY);
        assert_eq!(filters(&[("mine", "yes")]).unwrap().wish("ana").assignee.as_deref(), Some("ana"));
    }
}
