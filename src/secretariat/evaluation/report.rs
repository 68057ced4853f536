//! The yearly report of counts, as everybody may read it (Lei 13.460/2017, art. 23, I to V, and the rankings). Pure.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::suppress::{LEAST, alone, hide, places, scale, total};
use super::{ENOUGH, LAW, ServiceGiven, Sphere, TOPICS};
use crate::cells::cell;
use crate::i18n::Lang;
use crate::secretariat::kernel::define::Words;
use crate::secretariat::kernel::form::answer::{mean, total as total_of};
use crate::secretariat::kernel::form::{Form, Question, QuestionKind, SCALE};

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationLabel)]
pub struct Label {
    pub pt: String,
    pub en: String,
}

impl Label {
    fn new(words: &Words) -> Self {
        Self { pt: words.pt.clone(), en: words.en.clone() }
    }

    pub fn of(&self, lang: impl Borrow<Lang>) -> &str {
        let lang: &Lang = lang.borrow();
        match lang {
            Lang::Pt => &self.pt,
            Lang::En => &self.en,
        }
    }
}

/// How often one value was given; none: hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationCell)]
pub struct Cell {
    pub key: String,
    pub label: Label,
    pub count: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationQuestion)]
pub struct Asked {
    pub key: String,
    #[schema(value_type = String)]
    pub kind: QuestionKind,
    pub label: Label,
    /// satisfaction, quality, deadlines, or empty
    pub topic: String,
    /// Of a scale, in hundredths.
    pub mean: Option<i64>,
    /// Of a scale: who answered 4 or 5, in hundredths of a percent.
    pub satisfied: Option<i64>,
    pub cells: Vec<Cell>,
}

/// A number in hundredths with its name: a topic of the law, or a total of the questionnaire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationIndex)]
pub struct Index {
    pub key: String,
    pub label: Label,
    pub value: Option<i64>,
}

/// What the provider did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationImprovement)]
pub struct Improvement {
    /// Number of the follow-up.
    pub number: String,
    pub measures: String,
}

/// Who counted manifestations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationManifestationsTold)]
pub struct Manifestations {
    /// None: fewer than five, or nobody counted.
    pub count: Option<i64>,
    /// "ombudsman", or who told of them; empty: nobody counted.
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationOfService)]
pub struct OfService {
    pub code: String,
    pub name: String,
    #[schema(value_type = String)]
    pub sphere: Sphere,
    pub unit: String,
    pub questionnaire: String,
    pub version: i32,
    /// Answers; none: fewer than five, and then nothing else is told.
    pub responses: Option<i64>,
    pub topics: Vec<Index>,
    pub totals: Vec<Index>,
    pub questions: Vec<Asked>,
    pub manifestations: Manifestations,
    pub improvements: Vec<Improvement>,
}

/// A place in a ranking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationRank)]
pub struct Rank {
    pub place: usize,
    pub code: String,
    pub name: String,
    /// Hundredths of the mean, or manifestations.
    pub value: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EvaluationReport)]
pub struct Report {
    pub year: i32,
    pub law_ref: String,
    /// Cells below it are hidden.
    pub least: i64,
    /// Fewer answers are in no ranking.
    pub enough: i64,
    /// None where it would tell a hidden number.
    pub responses: Option<i64>,
    pub services: Vec<OfService>,
    /// By satisfaction, the best first.
    pub ranking: Vec<Rank>,
    /// By manifestations, the most first.
    pub complaints: Vec<Rank>,
}

/// Counts of one service in a year.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub responses: i64,
    /// By question and value.
    pub cells: BTreeMap<(String, String), i64>,
}

/// What a report is made of, for one service. None of form and tally: no round asked about it.
#[derive(Clone, Debug)]
pub struct Facts {
    pub service: ServiceGiven,
    pub asked: Option<(Form, Tally)>,
    /// Who counted, and how many.
    pub manifestations: Option<(String, i64)>,
    pub improvements: Vec<Improvement>,
}

fn asked(question: &Question, tally: &Tally) -> Asked {
    let values = question.values();
    let count = |value: &String| tally.cells.get(&(question.key().to_owned(), value.clone())).copied().unwrap_or(0);
    let counts: Vec<i64> = values.iter().map(count).collect();
    let (mean, satisfied, shown) = match <[i64; SCALE as usize]>::try_from(counts.as_slice()) {
        Ok(counts) if question.kind == QuestionKind::Scale => {
            let told = scale(counts);
            (told.mean, told.satisfied, told.cells)
        }
        _ => (None, None, hide(&counts)),
    };
    let label = |value: &String| {
        let option = question.options.iter().find(|option| option.key.get_ref() == value);
        option.map(|option| Label::new(&option.label)).unwrap_or_default()
    };
    Asked {
        key: question.key().to_owned(),
        kind: question.kind,
        label: Label::new(&question.label),
        topic: question.topic().to_owned(),
        mean,
        satisfied,
        cells: values
            .iter()
            .zip(shown)
            .map(|(key, count)| Cell { key: key.clone(), label: label(key), count })
            .collect(),
    }
}

/// The mean of a topic out of means that are told: it adds nothing to them.
fn topic(key: &str, questions: &[Asked]) -> Index {
    let means: Option<Vec<i64>> =
        questions.iter().filter(|question| question.topic == key).map(|question| question.mean).collect();
    let value = means.and_then(|means| mean(means.iter().sum(), i64::try_from(means.len()).ok()?));
    Index { key: key.to_owned(), label: Label::default(), value }
}

fn of_service(facts: &Facts) -> OfService {
    let what = &facts.service;
    let told = facts.manifestations.as_ref();
    let mut of = OfService {
        code: what.code.clone(),
        name: what.name.clone(),
        sphere: what.sphere,
        unit: what.unit.clone(),
        questionnaire: String::new(),
        version: 0,
        responses: None,
        topics: Vec::new(),
        totals: Vec::new(),
        questions: Vec::new(),
        manifestations: told
            .map(|(source, count)| Manifestations { count: alone(*count), source: source.clone() })
            .unwrap_or_default(),
        improvements: facts.improvements.clone(),
    };
    let Some((form, tally)) = &facts.asked else { return of };
    (of.questionnaire, of.version) = (form.key().to_owned(), form.version());
    if tally.responses < LEAST {
        return of;
    }
    of.responses = Some(tally.responses);
    of.questions = form.closed().map(|question| asked(question, tally)).collect();
    of.topics = TOPICS.iter().map(|key| topic(key, &of.questions)).collect();
    let means: BTreeMap<String, i64> =
        of.questions.iter().filter_map(|question| Some((question.key.clone(), question.mean?))).collect();
    let totals = form.totals.iter().map(|one| Index {
        key: one.key.get_ref().clone(),
        label: Label::new(&one.label),
        value: total_of(one, &means),
    });
    of.totals = totals.collect();
    of
}

fn ranked(mut values: Vec<(&OfService, i64)>) -> Vec<Rank> {
    values.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.code.cmp(&other.0.code)));
    let places = places(&values.iter().map(|(_, value)| *value).collect::<Vec<_>>());
    let ranks = values.into_iter().zip(places);
    ranks.map(|((of, value), place)| Rank { place, code: of.code.clone(), name: of.name.clone(), value }).collect()
}

/// The report of a year, services by code.
pub fn report(year: i32, facts: &[Facts]) -> Report {
    let services: Vec<OfService> = facts.iter().map(of_service).collect();
    let counts: Vec<i64> =
        facts.iter().filter_map(|one| one.asked.as_ref().map(|(_, tally)| tally.responses)).collect();
    let has_enough = |of: &&OfService| of.responses.is_some_and(|count| count >= ENOUGH);
    let satisfied = services.iter().filter(has_enough).filter_map(|of| Some((of, of.topics.first()?.value?)));
    let complained = services.iter().filter_map(|of| Some((of, of.manifestations.count?)));
    let (ranking, complaints) = (ranked(satisfied.collect()), ranked(complained.collect()));
    Report {
        year,
        law_ref: LAW.into(),
        least: LEAST,
        enough: ENOUGH,
        responses: total(&counts).filter(|sum| *sum >= LEAST),
        ranking,
        complaints,
        services,
    }
}

impl Report {
    /// One line a number; empty where it is hidden.
    pub fn csv(&self) -> String {
        let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        let mut out = String::from("year,service,name,sphere,unit,measure,key,value\r\n");
        for of in &self.services {
            let head = format!("{},{},{},{},{}", self.year, of.code, cell(&of.name), of.sphere, cell(&of.unit));
            let mut line = |measure: &str, key: &str, value: Option<i64>| {
                out.push_str(&format!("{head},{measure},{key},{}\r\n", number(value)));
            };
            line("responses", "", of.responses);
            of.topics.iter().for_each(|one| line("topic_hundredths", &one.key, one.value));
            of.totals.iter().for_each(|one| line("total_hundredths", &one.key, one.value));
            for question in &of.questions {
                if question.kind == QuestionKind::Scale {
                    line("mean_hundredths", &question.key, question.mean);
                    line("satisfied_percent_hundredths", &question.key, question.satisfied);
                }
                for one in &question.cells {
                    line("answers", &format!("{}:{}", question.key, one.key), one.count);
                }
            }
            line("manifestations", "", of.manifestations.count);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretariat::evaluation::questionnaire;

    const TEXT: &str = include_str!("questionnaire.toml");

    fn facts(code: &str, scale: [i64; 5], manifestations: i64) -> Facts {
        let form = questionnaire(TEXT, None).unwrap();
        let responses: i64 = scale.iter().sum();
        let mut cells = BTreeMap::new();
        for question in form.closed() {
            for (at, value) in question.values().iter().enumerate() {
                let count = match question.kind {
                    QuestionKind::Scale => scale[at],
                    _ if at == 0 => responses - 2,
                    _ if at == 1 => 2,
                    _ => 0,
                };
                cells.insert((question.key().to_owned(), value.clone()), count);
            }
        }
        let service = ServiceGiven {
            code: code.into(),
            name: format!("Serviço, {code}"),
            sphere: Sphere::State,
            unit: "Unidade".into(),
            department: String::new(),
            ended_on: None,
        };
        let asked = Some((form, Tally { responses, cells }));
        Facts { service, asked, manifestations: Some(("ofício 1".into(), manifestations)), improvements: Vec::new() }
    }

    #[test]
    fn a_report_hides_what_is_small_and_ranks_those_with_enough_answers() {
        let all = [
            facts("a", [5, 5, 5, 5, 5], 12),
            facts("b", [6, 6, 6, 6, 6], 4),
            facts("c", [5, 5, 5, 5, 15], 12),
            facts("d", [0, 0, 2, 1, 1], 30),
            facts("e", [1, 1, 1, 2, 3], 0),
        ];
        let told = report(2026, &all);
        let of = |code: &str| told.services.iter().find(|one| one.code == code).unwrap();
        assert_eq!((of("d").responses, of("d").questions.len(), of("d").topics.len()), (None, 0, 0));
        assert_eq!(of("a").topics[0].value, Some(300));
        assert_eq!(of("a").totals[0].value, Some(300), "the index of quality");
        let yes_no = of("a").questions.iter().find(|one| one.key == "solved").unwrap();
        assert!(yes_no.cells.iter().all(|cell| cell.count.is_none()), "23 would tell of two");
        let places: Vec<(usize, &str)> = told.ranking.iter().map(|rank| (rank.place, rank.code.as_str())).collect();
        assert_eq!(places, [(1, "c"), (2, "a"), (2, "b")], "eight answers are not enough");
        let complaints: Vec<(usize, &str)> =
            told.complaints.iter().map(|rank| (rank.place, rank.code.as_str())).collect();
        assert_eq!(complaints, [(1, "d"), (2, "a"), (2, "c")], "four manifestations are not told");
        assert_eq!(told.responses, None, "the total would tell the four of d");
        let csv = told.csv();
        assert!(csv.contains("2026,a,\"Serviço, a\",state,Unidade,answers,satisfaction:5,5\r\n"), "{csv}");
        assert!(csv.contains("2026,d,\"Serviço, d\",state,Unidade,responses,,\r\n"), "{csv}");
    }

    #[test]
    fn a_report_reads_back_as_it_was_kept() {
        let told = report(2026, &[facts("a", [5, 5, 5, 5, 5], 12)]);
        let kept = serde_json::to_value(&told).unwrap();
        assert_eq!(serde_json::from_value::<Report>(kept).unwrap(), told);
    }
}
