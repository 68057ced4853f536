//! Items out and in as JSON Lines: what goes out comes in elsewhere, and goes out there byte by byte the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::intake::sum;
use super::judge::{self, Judgement, wrong};
use super::parse::{EXCERPT, GUID, TITLE};
use super::store::items::{self, NewItem};
use super::store::{self, search, sources};
use super::twins::Print;
use super::{Item, MOST_SOURCES, State, Tone, link};
use crate::accounts::tokens::desk::Acting;
use crate::audit::{self, Act, Entry};
use crate::clock::Instant;
use crate::plancon::PlanError;
use crate::refused::{FieldError, Refused};
use crate::secretariat::kernel::ledger::hex;

/// Items of one file.
pub const MOST: usize = 5000;
/// Lines that are told of when they are wrong.
const MOST_TOLD: usize = 50;

/// An item as it goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub id: Uuid,
    /// By name: a source that is not followed there is made as one of people's hands.
    pub source: String,
    pub guid: String,
    pub link: String,
    pub title: String,
    pub excerpt: String,
    pub published_at: Instant,
    pub fetched_at: Instant,
    pub sha256: String,
    pub first: Uuid,
    /// How the rules found it there.
    pub by_rules: State,
    pub judgement: Judgement,
    pub revision: i32,
    pub clipped_on: Option<NaiveDate>,
}

/// What was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MediaTakenIn)]
pub struct TakenIn {
    pub items: usize,
    /// Were here already, the same.
    pub known: usize,
}

impl Line {
    fn of(item: Item) -> Self {
        let state: State = item.state.parse().unwrap_or_default();
        Self {
            id: item.id,
            source: item.source,
            guid: item.guid,
            link: item.link,
            title: item.title,
            excerpt: item.excerpt,
            published_at: item.published_at,
            fetched_at: item.fetched_at,
            sha256: item.sha256,
            first: item.first_id,
            by_rules: if item.by_rules == "candidate" { State::Candidate } else { State::New },
            judgement: Judgement {
                state,
                tone: item.tone.and_then(|tone| tone.parse::<Tone>().ok()),
                theme: item.theme,
                spokesperson: item.spokesperson,
                note: item.note,
            },
            revision: item.revision,
            clipped_on: item.clipped_on,
        }
    }

    /// What is wrong with it by itself.
    fn problems(&self, at: usize) -> Vec<FieldError> {
        let mut all = Vec::new();
        let mut expect = |good: bool, field: &str, value: &str, expected: &str| {
            if !good {
                all.push(wrong(&format!("line {at}, {field}"), value, format!("expected {expected}")));
            }
        };
        let within = |text: &str, least: usize, most: usize| {
            (least..=most).contains(&text.chars().count()) && !text.contains('\0')
        };
        let is_named = within(&self.source, 1, 120) && !self.source.trim().is_empty();
        expect(is_named, "source", &self.source, "1 to 120 characters");
        expect(within(&self.guid, 1, GUID), "guid", &self.guid, "1 to 400 characters");
        expect(within(&self.title, 1, TITLE), "title", &self.title, "1 to 300 characters");
        expect(within(&self.excerpt, 0, EXCERPT), "excerpt", &self.excerpt, "at most 500 characters");
        let is_link = self.link.is_empty() || link::normalised(&self.link, None).as_ref() == Some(&self.link);
        expect(is_link, "link", &self.link, "an address as it is kept, or none");
        let sha256 = hex(&sum(&self.title, &self.excerpt, &self.link, self.published_at));
        expect(self.sha256 == sha256, "sha256", &self.sha256, &format!("{sha256}: the item was changed"));
        expect(
            matches!(self.by_rules, State::New | State::Candidate),
            "by_rules",
            self.by_rules.as_str(),
            "new or candidate",
        );
        expect(self.revision >= 0, "revision", &self.revision.to_string(), "0 or more");
        let of = &self.judgement;
        let is_selected = of.state == State::Selected;
        let is_whole = is_selected == of.tone.is_some() && is_selected != of.theme.is_empty();
        let fits = within(&of.theme, 0, judge::THEME)
            && within(&of.spokesperson, 0, judge::SPOKESPERSON)
            && within(&of.note, 0, judge::NOTE);
        expect(
            is_whole && fits,
            "judgement",
            of.state.as_str(),
            "tone and theme of what is selected, and of nothing else",
        );
        all
    }
}

/// A file, and where the next goes on.
///
/// # Errors
/// The database's.
pub async fn out(conn: &mut PgConnection, after: Option<Uuid>) -> Result<(String, Option<Uuid>), PlanError> {
    let ids = items::after(&mut *conn, after, MOST as i64).await?;
    let next = if ids.len() == MOST { ids.last().copied() } else { None };
    let mut rows = search::rows(conn, &ids).await?;
    rows.sort_by_key(|item| item.id);
    let mut text = String::new();
    for item in rows {
        text.push_str(&serde_json::to_string(&Line::of(item)).map_err(|error| PlanError::Other(error.into()))?);
        text.push('\n');
    }
    Ok((text, next))
}

/// Reads a file.
///
/// # Errors
/// Every line that is wrong, with its number.
pub fn read(text: &str) -> Result<Vec<Line>, Vec<FieldError>> {
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if lines.len() >= MOST {
            problems.push(wrong(&format!("line {}", at + 1), "", format!("expected at most {MOST} lines")));
            break;
        }
        match serde_json::from_str::<Line>(line) {
            Ok(one) => {
                problems.extend(one.problems(at + 1));
                lines.push(one);
            }
            Err(error) => problems.push(wrong(&format!("line {}", at + 1), "", error.to_string())),
        }
        if problems.len() >= MOST_TOLD {
            break;
        }
    }
    if problems.is_empty() { Ok(lines) } else { Err(problems) }
}

/// Takes lines in, all or none. What is here already, the same, stays.
///
/// # Errors
/// `Wrong` with the line of what is here and not the same, and of what repeats an item that is neither here nor in the file.
pub async fn take_in(conn: &mut PgConnection, by: Acting<'_>, lines: &[Line]) -> Result<TakenIn, PlanError> {
    store::lock(&mut *conn).await?;
    let sources = sources_of(&mut *conn, by, lines).await?;
    let (mut taken, mut problems) = (TakenIn { items: 0, known: 0 }, Vec::new());
    let asked: Vec<Uuid> =
        lines.iter().flat_map(|line| [line.id, line.first]).collect::<BTreeSet<_>>().into_iter().collect();
    let here: BTreeMap<Uuid, Line> =
        search::rows(&mut *conn, &asked).await?.into_iter().map(|item| (item.id, Line::of(item))).collect();
    let firsts = firsts(lines, &here);
    for (at, line) in lines.iter().enumerate() {
        let field = |name: &str| format!("line {}, {name}", at + 1);
        if let Some(known) = here.get(&line.id) {
            if known == line {
                taken.known += 1;
            } else {
                problems.push(wrong(&field("id"), &line.id.to_string(), "is here and not the same"));
            }
            continue;
        }
        if line.first != line.id && !firsts.contains(&line.first) {
            problems.push(wrong(
                &field("first"),
                &line.first.to_string(),
                "expected an item of the file, or one that is here, that repeats no other",
            ));
            continue;
        }
        let Some(source_id) = sources.get(&line.source.to_lowercase()).copied() else { continue };
        let new = NewItem {
            id: line.id,
            source_id,
            guid: &line.guid,
            link: &line.link,
            link_key: link::key(&line.link),
            title: &line.title,
            excerpt: &line.excerpt,
            published_at: line.published_at,
            fetched_at: line.fetched_at,
            sha256: &sum(&line.title, &line.excerpt, &line.link, line.published_at),
            simhash: Print::of(&line.title, &line.excerpt).simhash(),
            first_id: line.first,
            by_rules: line.by_rules,
            judgement: line.judgement.clone(),
            revision: line.revision,
            clipped_on: line.clipped_on,
        };
        if items::insert(&mut *conn, &new).await? {
            taken.items += 1;
        } else {
            problems.push(wrong(&field("guid"), &line.guid, "this name, or the same item elsewhere, is here"));
        }
        if problems.len() >= MOST_TOLD {
            break;
        }
    }
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    let entry =
        Entry::new(Act::MediaImport, "media_item", "file").to(json!({ "items": taken.items, "known": taken.known }));
    audit::record(conn, by.ids, by.now, by.actor, entry).await?;
    Ok(taken)
}

/// Items of the file and of here that repeat no other: what repeats stands behind one of these, so that no chain comes back to itself.
fn firsts(lines: &[Line], here: &BTreeMap<Uuid, Line>) -> BTreeSet<Uuid> {
    let in_file = lines.iter().filter(|line| !here.contains_key(&line.id));
    in_file.chain(here.values()).filter(|line| line.first == line.id).map(|line| line.id).collect()
}

/// Sources of the lines by their names in small letters; those that are not followed are made.
async fn sources_of(
    conn: &mut PgConnection,
    by: Acting<'_>,
    lines: &[Line],
) -> Result<BTreeMap<String, Uuid>, PlanError> {
    let known = sources::all(&mut *conn).await?;
    let mut all: BTreeMap<String, Uuid> = known.into_iter().map(|one| (one.name.to_lowercase(), one.id)).collect();
    for line in lines {
        let key = line.source.to_lowercase();
        if all.contains_key(&key) {
            continue;
        }
        if all.len() >= MOST_SOURCES {
            return Err(Refused::Conflict(format!("{MOST_SOURCES} sources are followed, which is the most")).into());
        }
        let id = by.ids.uuid(by.now);
        sources::insert(&mut *conn, id, (&line.source, "hand", "", 900), (by.now, &by.actor.name)).await?;
        all.insert(key, id);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let published_at: Instant = "2026-02-22T13:00:00Z".parse().unwrap();
        Line {
            id: Uuid::from_u128(7),
            source: "Rádio".into(),
            guid: "1".into(),
            link: "https://jornal.example/a".into(),
            title: "Chuva".into(),
            excerpt: String::new(),
            published_at,
            fetched_at: published_at,
            sha256: hex(&sum("Chuva", "", "https://jornal.example/a", published_at)),
            first: Uuid::from_u128(7),
            by_rules: State::New,
            judgement: Judgement::default(),
            revision: 0,
            clipped_on: None,
        }
    }

    #[test]
    fn what_repeats_stands_behind_one_that_repeats_nothing() {
        let one = |id: u128, first: u128| Line { id: Uuid::from_u128(id), first: Uuid::from_u128(first), ..line() };
        let here = BTreeMap::from([(Uuid::from_u128(4), one(4, 9)), (Uuid::from_u128(5), one(5, 5))]);
        // One of the file says of an item that is here what is not so.
        let lines = [one(1, 1), one(2, 3), one(3, 2), one(4, 4)];
        assert_eq!(firsts(&lines, &here), BTreeSet::from([1, 5].map(Uuid::from_u128)));
    }

    #[test]
    fn a_line_that_was_changed_is_told_with_its_number_and_field() {
        let good = serde_json::to_string(&line()).unwrap();
        assert_eq!(read(&format!("{good}\n")).unwrap(), [line()]);
        let changed = good.replace("\"Chuva\"", "\"Sol\"");
        let fields: Vec<String> =
            read(&format!("{good}\n{changed}\n")).unwrap_err().into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["line 2, sha256"]);
        let half = Line { judgement: Judgement { state: State::Selected, ..Judgement::default() }, ..line() };
        let fields: Vec<String> =
            read(&serde_json::to_string(&half).unwrap()).unwrap_err().into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["line 1, judgement"]);
        assert_eq!(read("{}").unwrap_err()[0].field, "line 1");
    }
}
