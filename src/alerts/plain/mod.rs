//! Whether somebody who is frightened and in a hurry understands an alert at the first reading. Pure.
//!
//! Two things are looked at: whether the five questions are answered (who warns, of what, where, until when, what to do), each with
//! the words that answer it; and what makes a text hard, with words that would be easier. A finding never rewrites anything: a
//! person may know better. Only an empty field keeps an alert from leaving.
//!
//! The rules follow what the Brazilian guide of plain language for warnings and the United Nations' early-warning checklist ask for:
//! short sentences, verbs that say what to do, names that neighbours use, no measures and no offices' words.

mod letters;
mod words;

use serde::{Deserialize, Serialize};

use self::letters::Folded;
use crate::alerts::kind::AlertKind;
use crate::dispatch::sms_text::measure_with;
use crate::units::vocabulary;

/// A sentence of more words than this is read twice.
const LONG_SENTENCE: usize = 25;
const HARD_SENTENCE: usize = 35;
/// Steps that anybody keeps in mind.
const MANY_STEPS: usize = 7;
/// Words of one step.
const LONG_STEP: usize = 30;
/// Letters of a description that is still read to its end on a phone.
const LONG_DESCRIPTION: usize = 900;
/// CAP 1.2 recommends headlines of at most this many.
const LONG_HEADLINE: usize = 140;
/// Parts of an SMS that phones show as one without trouble.
const LONG_SMS: usize = 2;
/// Findings of one text: more would hide each other.
const MOST: usize = 40;

vocabulary! {
    /// How much a finding weighs.
    Weight, "weight" {
        /// The alert cannot leave so.
        Blocks = "blocks",
        /// It can, and somebody should look first.
        Warns = "warns",
        /// It could be easier.
        Hint = "hint",
    }
}

vocabulary! {
    /// A text of an alert.
    Field, "field" {
        Sms = "sms_text",
        Headline = "headline",
        Description = "description",
        Instruction = "instruction",
    }
}

vocabulary! {
    /// What whoever is warned asks.
    Question, "question" {
        Who = "who",
        What = "what",
        Where = "where",
        When = "when",
        Act = "act",
    }
}

vocabulary! {
    /// What was found.
    Rule, "rule" {
        Empty = "empty",
        MissingWho = "missing_who",
        MissingWhat = "missing_what",
        MissingWhere = "missing_where",
        MissingWhen = "missing_when",
        MissingAct = "missing_act",
        Jargon = "jargon",
        Acronym = "acronym",
        Measure = "measure",
        LongSentence = "long_sentence",
        LongHeadline = "long_headline",
        LongDescription = "long_description",
        LongSms = "long_sms",
        LongStep = "long_step",
        ManySteps = "many_steps",
        StepWithoutVerb = "step_without_verb",
        Shouting = "shouting",
        Link = "link",
    }
}

impl Rule {
    /// Why it matters, for programs; pages say it in the reader's language.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "the text is empty",
            Self::MissingWho => "it does not say who warns, so it may pass for a fraud",
            Self::MissingWhat => "it does not say what threatens",
            Self::MissingWhere => "it does not say where, so nobody knows whether they are meant",
            Self::MissingWhen => "it does not say until when",
            Self::MissingAct => "it does not say what to do",
            Self::Jargon => "a word of the trade; there is an easier one",
            Self::Acronym => "letters that most people cannot spell out",
            Self::Measure => "few people know what this measure means for them",
            Self::LongSentence => "a long sentence is read twice",
            Self::LongHeadline => "CAP 1.2 recommends at most 140 characters",
            Self::LongDescription => "hardly anybody reads so much on a phone",
            Self::LongSms => "a message of more than two parts costs more and may arrive in pieces",
            Self::LongStep => "a step should be one thing to do",
            Self::ManySteps => "nobody keeps so many steps in mind",
            Self::StepWithoutVerb => "the step does not begin with what to do",
            Self::Shouting => "capital letters throughout are harder to read",
            Self::Link => "a link in an SMS looks like a fraud, and networks hold such messages back",
        }
    }
}

/// The texts of one language.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    /// "pt-BR", "en", "es"; of another language only lengths are looked at.
    pub language: &'a str,
    pub kind: AlertKind,
    pub headline: &'a str,
    pub description: &'a str,
    pub instruction: &'a str,
    pub sms: &'a str,
    /// What the danger is called, as the template says it; empty where it does not matter.
    pub hazard: &'a str,
    /// Names of the alert's places.
    pub places: &'a [String],
    /// The town and its authority: either answers who warns, and the town's name also where.
    pub town: &'a str,
    pub authority: &'a str,
    /// Every SMS provider at work carries the Portuguese table.
    pub national: bool,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PlainFinding)]
pub struct Finding {
    #[schema(value_type = String)]
    pub weight: Weight,
    #[schema(value_type = String)]
    pub field: Field,
    #[schema(value_type = String)]
    pub rule: Rule,
    /// The words it is about, as they stand there.
    pub found: String,
    /// How many, where it is about a length.
    pub count: Option<usize>,
    /// What could be said instead; empty where there is no one answer.
    pub suggestion: String,
    pub reason: &'static str,
}

impl Finding {
    fn new(weight: Weight, field: Field, rule: Rule, found: impl Into<String>) -> Self {
        Self { weight, field, rule, found: found.into(), count: None, suggestion: String::new(), reason: rule.reason() }
    }

    const fn counting(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    fn suggesting(mut self, suggestion: &str) -> Self {
        suggestion.clone_into(&mut self.suggestion);
        self
    }
}

/// Which words answer a question, in the SMS (which stands alone) and in the page's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Answer {
    #[schema(value_type = String)]
    pub question: Question,
    /// Null where the SMS does not answer it.
    pub sms: Option<String>,
    pub page: Option<String>,
}

/// What was found in the texts of one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Review {
    pub language: String,
    /// The five questions, in their order.
    pub answers: Vec<Answer>,
    /// The heaviest first.
    pub findings: Vec<Finding>,
}

impl Review {
    /// Findings of one weight.
    pub fn count(&self, weight: Weight) -> usize {
        self.findings.iter().filter(|finding| finding.weight == weight).count()
    }
}

/// Looks at the texts of one language.
pub fn review(texts: &Texts<'_>) -> Review {
    let answers = answers(texts);
    let mut findings = Vec::new();
    for (field, text) in fields(texts) {
        if text.trim().is_empty() {
            findings.push(Finding::new(Weight::Blocks, field, Rule::Empty, ""));
        } else {
            look(texts, field, text, &mut findings);
        }
    }
    missing(texts, &answers, &mut findings);
    findings.sort_by_key(|finding| (finding.weight, finding.field));
    findings.truncate(MOST);
    Review { language: texts.language.to_owned(), answers, findings }
}

const fn fields<'a>(texts: &Texts<'a>) -> [(Field, &'a str); 4] {
    [
        (Field::Sms, texts.sms),
        (Field::Headline, texts.headline),
        (Field::Description, texts.description),
        (Field::Instruction, texts.instruction),
    ]
}

fn answers(texts: &Texts<'_>) -> Vec<Answer> {
    let sms = Folded::of(texts.sms);
    let page = Folded::of(&[texts.headline, texts.description, texts.instruction].join("\n"));
    Question::ALL
        .iter()
        .map(|question| Answer {
            question: *question,
            sms: answered(texts, *question, &sms),
            page: answered(texts, *question, &page),
        })
        .collect()
}

/// The words that answer a question.
fn answered(texts: &Texts<'_>, question: Question, text: &Folded) -> Option<String> {
    let listed = words::answering(texts.language, question);
    let found = |words: &str| text.find(words).map(|at| text.shown(at));
    let named = || -> Option<String> {
        match question {
            Question::Who => [texts.authority, texts.town].into_iter().find_map(found),
            Question::What => found(texts.hazard),
            Question::Where => texts.places.iter().map(String::as_str).chain([texts.town]).find_map(found),
            Question::When => text.time(),
            Question::Act => None,
        }
    };
    named().or_else(|| listed.iter().copied().find_map(found))
}

/// What is not said. A text that is empty is told as that and no more.
fn missing(texts: &Texts<'_>, answers: &[Answer], findings: &mut Vec<Finding>) {
    if !words::knows(texts.language) {
        return;
    }
    let ends = matches!(texts.kind, AlertKind::AllClear | AlertKind::Cancel);
    for answer in answers {
        let rule = match answer.question {
            Question::Who => Rule::MissingWho,
            Question::What => Rule::MissingWhat,
            Question::Where => Rule::MissingWhere,
            // What is over has no end to tell.
            Question::When if ends => continue,
            Question::When => Rule::MissingWhen,
            Question::Act => Rule::MissingAct,
        };
        if answer.sms.is_none() && !texts.sms.trim().is_empty() {
            // An SMS has room for one thing after another; its sender is the service, and it arrives when it matters.
            let weight = if rule == Rule::MissingWhen { Weight::Hint } else { Weight::Warns };
            findings.push(Finding::new(weight, Field::Sms, rule, ""));
        }
        let field = if rule == Rule::MissingAct { Field::Instruction } else { Field::Description };
        let empty = if rule == Rule::MissingAct { texts.instruction } else { texts.description };
        if answer.page.is_none() && !empty.trim().is_empty() {
            findings.push(Finding::new(Weight::Warns, field, rule, ""));
        }
    }
}

/// What makes one text hard.
fn look(texts: &Texts<'_>, field: Field, text: &str, findings: &mut Vec<Finding>) {
    lengths(texts, field, text, findings);
    let folded = Folded::of(text);
    for (word, easier) in words::jargon(texts.language) {
        if let Some(at) = folded.find(word) {
            findings.push(Finding::new(Weight::Warns, field, Rule::Jargon, folded.shown(at)).suggesting(easier));
        }
    }
    for acronym in folded.acronyms(words::ACRONYMS) {
        findings.push(Finding::new(Weight::Warns, field, Rule::Acronym, acronym));
    }
    if let Some(measure) = folded.measure(words::MEASURES) {
        findings.push(Finding::new(Weight::Hint, field, Rule::Measure, measure));
    }
    for sentence in letters::sentences(text) {
        let count = letters::count_words(sentence) - listed(texts.places, sentence);
        if count > LONG_SENTENCE {
            let weight = if count > HARD_SENTENCE { Weight::Warns } else { Weight::Hint };
            findings.push(Finding::new(weight, field, Rule::LongSentence, letters::short(sentence)).counting(count));
        }
        if letters::shouts(sentence) {
            findings.push(Finding::new(Weight::Hint, field, Rule::Shouting, letters::short(sentence)));
        }
    }
    if field == Field::Sms
        && let Some(link) = letters::link(text)
    {
        findings.push(Finding::new(Weight::Warns, field, Rule::Link, link));
    }
    if field == Field::Instruction {
        steps(texts, text, findings);
    }
}

/// Words of a list of places beyond its first: a list is skimmed for one's own street, not read.
fn listed(places: &[String], sentence: &str) -> usize {
    let folded = Folded::of(sentence);
    let named = places.iter().filter(|place| folded.find(place).is_some());
    named.map(|place| letters::count_words(place)).sum::<usize>().saturating_sub(1)
}

fn lengths(texts: &Texts<'_>, field: Field, text: &str, findings: &mut Vec<Finding>) {
    let count = text.chars().count();
    let long = match field {
        Field::Headline => (count > LONG_HEADLINE).then_some((Rule::LongHeadline, Weight::Warns, count)),
        Field::Description => (count > LONG_DESCRIPTION).then_some((Rule::LongDescription, Weight::Hint, count)),
        Field::Sms => {
            let segments = measure_with(text, texts.national).segments;
            (segments > LONG_SMS).then_some((Rule::LongSms, Weight::Warns, segments))
        }
        Field::Instruction => None,
    };
    if let Some((rule, weight, count)) = long {
        findings.push(Finding::new(weight, field, rule, "").counting(count));
    }
}

/// An instruction is a list of things to do.
fn steps(texts: &Texts<'_>, text: &str, findings: &mut Vec<Finding>) {
    let steps: Vec<&str> = text.lines().map(letters::without_number).filter(|step| !step.is_empty()).collect();
    if steps.len() > MANY_STEPS {
        findings.push(Finding::new(Weight::Hint, Field::Instruction, Rule::ManySteps, "").counting(steps.len()));
    }
    for step in steps {
        let count = letters::count_words(step);
        if count > LONG_STEP {
            findings.push(
                Finding::new(Weight::Hint, Field::Instruction, Rule::LongStep, letters::short(step)).counting(count),
            );
        }
        let folded = Folded::of(step);
        let verbs = words::answering(texts.language, Question::Act);
        if !verbs.is_empty() && !verbs.iter().any(|verb| folded.find(verb).is_some()) {
            findings.push(Finding::new(Weight::Hint, Field::Instruction, Rule::StepWithoutVerb, letters::short(step)));
        }
    }
}

#[cfg(test)]
mod tests;
