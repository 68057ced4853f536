//! What cases of the bench look like: some of each type in each of its states, with fields that the type itself accepts, and the rest of a
//! row as the service would write it. The database multiplies them.

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::app::App;
use crate::clock::Instant;
use crate::deadlines::reckon::{Anchor, Step, reckon};
use crate::deadlines::{Course, DeadlineRule, rule, store};
use crate::secretariat::kernel::define::{CaseType, Field, State};
use crate::secretariat::kernel::publication::PublicView;
use crate::secretariat::kernel::{CaseFile, Counting, FieldKind, Fields, Source, Waits, values};
use crate::secretariat::modules;

/// Of each state of a type.
const VARIANTS: usize = 10;

/// Words that people write, with their accents; the first are the most frequent.
const WORDS: [&str; 64] = [
    "informação",
    "serviço",
    "rua",
    "obra",
    "praça",
    "escola",
    "saúde",
    "prazo",
    "iluminação",
    "água",
    "calçada",
    "pedido",
    "secretaria",
    "reunião",
    "contrato",
    "convênio",
    "orçamento",
    "população",
    "ônibus",
    "trânsito",
    "drenagem",
    "esgoto",
    "encosta",
    "habitação",
    "ponte",
    "árvore",
    "vistoria",
    "relatório",
    "parecer",
    "decreto",
    "portaria",
    "edital",
    "licitação",
    "câmara",
    "vereador",
    "comissão",
    "audiência",
    "proteção",
    "crianças",
    "idosos",
    "biblioteca",
    "esporte",
    "cultura",
    "turismo",
    "servidor",
    "concurso",
    "reforma",
    "manutenção",
    "fiscalização",
    "recurso",
    "resíduos",
    "feira",
    "cemitério",
    "estádio",
    "córrego",
    "mirante",
    "ciclovia",
    "rodoviária",
    "zoonoses",
    "patrimônio",
    "museu",
    "acessibilidade",
    "intérprete",
    "ouvidoria",
];

/// How many times as many cases of a type there are: what citizens write is most of it.
fn weight(key: &str) -> usize {
    match key {
        "ombudsman.manifestation" => 6,
        "sic.request" | "participation.contribution" => 4,
        "news.item" | "press.release" => 2,
        _ => 1,
    }
}

/// Numbers that look like chance and are the same in every run.
#[derive(Clone, Copy, Debug)]
pub struct Chance(pub u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % end.max(1)
    }

    /// So many words, the frequent ones more often.
    fn sentence(&mut self, words: usize) -> String {
        let word = |chance: &mut Self| {
            let rarest = chance.below(WORDS.len()) + 1;
            WORDS[chance.below(rarest)]
        };
        (0..words).map(|_| word(self)).collect::<Vec<_>>().join(" ")
    }
}

/// A value that the field accepts; dates are this day.
fn value(field: &Field, chance: &mut Chance, day: NaiveDate) -> Value {
    let most = |usual: usize| field.max.and_then(|max| usize::try_from(max).ok()).unwrap_or(usual);
    let text = |words: usize, chance: &mut Chance| -> Value {
        chance.sentence(words).chars().take(most(300)).collect::<String>().trim().into()
    };
    match field.kind {
        FieldKind::Line | FieldKind::Person | FieldKind::Organisation | FieldKind::Department => text(3, chance),
        FieldKind::Text => text(30, chance),
        FieldKind::Choice => {
            let at = chance.below(field.options.len());
            field.options.get(at).map_or(Value::Null, |option| option.key.get_ref().as_str().into())
        }
        FieldKind::Date => day.to_string().into(),
        FieldKind::Money => chance.below(most(10_000_000)).into(),
        FieldKind::Integer => chance.below(most(100).min(100)).into(),
        FieldKind::YesNo => true.into(),
        FieldKind::Url => "https://prefeitura.example/documento".into(),
        FieldKind::UrnLex => "urn:lex:br;minas.gerais;juiz.de.fora:municipal:lei:2026-01-05;100".into(),
        FieldKind::Email => "alguem@prefeitura.example".into(),
        FieldKind::Phone => "+5532999990000".into(),
        FieldKind::Cpf => "529.982.247-25".into(),
        FieldKind::Registry => "01890000-0000-7000-8000-000000000001".into(),
        FieldKind::Cnpj => "11.222.333/0001-81".into(),
    }
}

/// What a form would give for the fields of a type: those of the opening that anybody can make up, or all of them.
pub fn given(def: &CaseType, chance: &mut Chance, day: NaiveDate, with_later: bool) -> Map<String, Value> {
    let wanted =
        def.fields.iter().filter(|field| with_later || !(field.later || field.recuses || field.computed.is_some()));
    wanted.map(|field| (field.key().to_owned(), value(field, chance, day))).collect()
}

/// A case that is multiplied.
#[derive(Debug, Serialize)]
pub struct Shape {
    type_key: String,
    version: i32,
    module: String,
    access: &'static str,
    series: Option<String>,
    state: String,
    is_final: bool,
    waits_for: Option<&'static str>,
    fields: Fields,
    words: String,
    /// What everybody sees, where this state is public.
    view: Option<PublicView>,
    first_state: String,
    /// The act that led here, and from where.
    act: Option<String>,
    act_from: Option<String>,
    deadline: Option<Rule>,
    /// Begin of the paths of its pages.
    link: String,
    /// Type of the case above it.
    parent: Option<String>,
    document: Option<String>,
    is_draft: bool,
}

/// What a row of a deadline needs of its rule.
#[derive(Clone, Debug, Serialize)]
struct Rule {
    code: String,
    law_ref: String,
    anchor_event: String,
    warn_days: u32,
    confirmed: bool,
    trace: Vec<Step>,
}

impl Shape {
    pub const fn is_final(&self) -> bool {
        self.is_final
    }
}

/// Of every type of this installation.
///
/// # Errors
/// Names the field whose made-up value its own type refuses; the database's.
pub async fn all(conn: &mut PgConnection, app: &App, now: Instant) -> anyhow::Result<Vec<Shape>> {
    let calendar = store::calendar(conn).await?;
    let shipped = rule::shipped()?;
    let tz = app.config.municipality.time_zone;
    let mut shapes = Vec::new();
    for kept in app.cases.all() {
        let def = &kept.def;
        let begun = def.opening.deadlines.iter().find(|step| step.what == Counting::Start);
        let rule =
            begun.and_then(|step| def.rules.iter().chain(&shipped).find(|rule| rule.code == *step.code.get_ref()));
        let anchor = Anchor { at: now - TimeDelta::days(30), tz };
        let deadline =
            rule.map(|rule| told(rule, reckon(rule, anchor, &calendar, &Course::default()).unwrap_or_default().trace));
        for (at, state) in def.states.iter().enumerate() {
            for variant in 0..VARIANTS * weight(def.key()) {
                let mut chance = Chance((at * 1000 + variant + def.key().len() * 100_000) as u64);
                shapes.push(shape((def, state), &mut chance, (now, tz), deadline.clone())?);
            }
        }
    }
    Ok(shapes)
}

fn told(rule: &DeadlineRule, trace: Vec<Step>) -> Rule {
    Rule {
        code: rule.code.clone(),
        law_ref: rule.law_ref.clone(),
        anchor_event: rule.anchor_event.clone(),
        warn_days: rule.warn_days,
        confirmed: rule.confirmed,
        trace,
    }
}

fn shape(
    (def, state): (&CaseType, &State),
    chance: &mut Chance,
    (now, tz): (Instant, chrono_tz::Tz),
    deadline: Option<Rule>,
) -> anyhow::Result<Shape> {
    let day = now.with_timezone(&tz).date_naive();
    let key = state.key.get_ref();
    let given = given(def, chance, day, state.is_final);
    let fields = values::read(def, &given, &|_| true)
        .map_err(|wrong| anyhow::anyhow!("the bench makes no good case of the type {}: {wrong:?}", def.key()))?;
    let case = CaseFile {
        id: Uuid::nil(),
        type_key: def.key().to_owned(),
        version: def.version(),
        module: def.module().to_owned(),
        series: None,
        year: None,
        number: None,
        title: "-".into(),
        state: key.clone(),
        is_final: state.is_final,
        waits_for: state.waits_for,
        fields: fields.clone(),
        department: String::new(),
        assigned: String::new(),
        access: def.access,
        author: String::new(),
        source: Source::Staff,
        code_hash: None,
        opened_at: now,
        changed_at: now,
        revision: 1,
        annulled: None,
    };
    let first_state = def.initial().map(|first| first.key.get_ref().clone()).unwrap_or_default();
    let led = def.transitions.iter().find(|one| one.to.as_ref().is_some_and(|to| to.get_ref() == key));
    let led = led.filter(|_| *key != first_state);
    let document = def.documents.first();
    let slug = modules::find(def.module()).map_or(def.module(), |module| module.slug_pt);
    Ok(Shape {
        view: PublicView::of(def, &case, tz),
        words: values::words(def, &fields),
        type_key: case.type_key,
        version: case.version,
        module: case.module,
        access: def.access.as_str(),
        series: def.series.as_ref().map(|series| series.prefix.get_ref().clone()),
        state: case.state,
        is_final: case.is_final,
        waits_for: case.waits_for.map(Waits::as_str),
        fields,
        act: led.map(|one| one.key().to_owned()),
        act_from: led.map(|one| one.from.first().map_or_else(|| first_state.clone(), |from| from.get_ref().clone())),
        first_state,
        deadline,
        link: format!("/secretaria/painel/{slug}/casos/"),
        parent: def.opening.parent.as_ref().map(|parent| parent.get_ref().clone()),
        document: document.map(|one| one.kind.get_ref().clone()),
        is_draft: document.is_some_and(|one| one.draft),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretariat::kernel::Types;

    #[test]
    fn every_type_accepts_the_cases_that_are_made_of_it() {
        let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
        let now: Instant = "2026-03-02T12:00:00Z".parse().unwrap();
        for kept in types.all() {
            for state in &kept.def.states {
                let made = shape((&kept.def, state), &mut Chance(7), (now, chrono_tz::America::Sao_Paulo), None);
                let made = made.unwrap_or_else(|error| panic!("{error}"));
                assert!(!made.fields.is_empty(), "{}", kept.def.key());
                let is_public = kept.def.public.states.iter().any(|public| public.get_ref() == state.key.get_ref());
                assert_eq!(made.view.is_some(), is_public, "{} {}", kept.def.key(), state.key.get_ref());
            }
        }
    }
}
