//! What a letter by segment has in it, and when letters leave. Pure.

use chrono::{Days, NaiveDate, NaiveTime, TimeZone as _};
use uuid::Uuid;

use crate::clock::Instant;
use crate::i18n::Lang;
use crate::secretariat::modules;

/// The hour of the day, in the town, from which letters leave.
const HOUR: u32 = 8;
/// Publications that are told one by one.
const MOST: usize = 30;

/// A publication with tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New {
    pub id: Uuid,
    pub case_id: Uuid,
    pub module: String,
    pub title: String,
    pub tags: Vec<String>,
    pub out_at: Instant,
}

/// What leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub body: String,
}

/// When letters of a day leave.
pub fn hour_of(tz: chrono_tz::Tz, day: NaiveDate) -> Option<Instant> {
    let hour = day.and_time(NaiveTime::from_hms_opt(HOUR, 0, 0)?);
    tz.from_local_datetime(&hour).earliest().map(|at| at.to_utc())
}

/// When letters left last, and when they leave next.
pub fn around(tz: chrono_tz::Tz, now: Instant) -> Option<(Instant, Instant)> {
    let today = now.with_timezone(&tz).date_naive();
    let hour = hour_of(tz, today)?;
    if hour <= now {
        Some((hour, hour_of(tz, today.checked_add_days(Days::new(1))?)?))
    } else {
        Some((hour_of(tz, today.checked_sub_days(Days::new(1))?)?, hour))
    }
}

/// What came out after an instant with one of these tags: the newest, and how many older ones are only counted. `new`: the oldest first.
pub fn chosen<'a>(new: &'a [New], since: Instant, tags: &[String]) -> (Vec<&'a New>, usize) {
    let is_theirs = |one: &&New| one.out_at > since && one.tags.iter().any(|tag| tags.contains(tag));
    let mut theirs: Vec<&New> = new.iter().filter(is_theirs).collect();
    let more = theirs.len().saturating_sub(MOST);
    let chosen = theirs.split_off(more);
    (chosen, more)
}

/// The letter. `leave`: the page on which its reader ends them.
pub fn write(lang: Lang, (authority, base): (&str, &str), (chosen, more): (&[&New], usize), leave: &str) -> Letter {
    let mut parts = vec![lang.t("sec-segments-digest-text")];
    for one in chosen {
        let slug = modules::find(&one.module).map_or(one.module.as_str(), |module| module.slug_pt);
        parts.push(format!("{}\n{base}/secretaria/{slug}/publicacoes/{}", one.title, one.case_id));
    }
    if more > 0 {
        parts.push(format!("{}\n{base}/secretaria", lang.t1("sec-segments-digest-more", "n", more)));
    }
    parts.push(lang.t("sec-segments-digest-leave"));
    // The last line is what mail programs show as a button (`notices::leave_link`).
    parts.push(leave.to_owned());
    Letter { subject: lang.t1("sec-segments-digest-subject", "authority", authority), body: parts.join("\n\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(title: &str, tag: &str, out_at: &str) -> New {
        New {
            id: Uuid::nil(),
            case_id: Uuid::nil(),
            module: "news".into(),
            title: title.into(),
            tags: vec![tag.into()],
            out_at: out_at.parse().unwrap(),
        }
    }

    #[test]
    fn letters_leave_at_eight_in_the_town() {
        let tz = chrono_tz::America::Sao_Paulo;
        let around = |at: &str| around(tz, at.parse().unwrap()).unwrap();
        let days = |from: &str, to: &str| (from.parse::<Instant>().unwrap(), to.parse::<Instant>().unwrap());
        let night = days("2026-02-23T11:00:00Z", "2026-02-24T11:00:00Z");
        assert_eq!(around("2026-02-24T10:59:59Z"), night);
        assert_eq!(around("2026-02-23T11:00:00Z"), night, "at eight those of the day are on their way");
    }

    #[test]
    fn a_letter_has_what_came_out_with_its_tags_and_counts_what_is_too_much() {
        let mut all: Vec<New> = (0..32).map(|n| new(&format!("n{n:02}"), "chuva", "2026-02-23T12:00:00Z")).collect();
        all.push(new("old", "chuva", "2026-02-23T11:00:00Z"));
        all.push(new("other", "obras", "2026-02-23T12:00:00Z"));
        let since = "2026-02-23T11:00:00Z".parse().unwrap();
        let (told, more) = chosen(&all, since, &["chuva".to_owned()]);
        assert_eq!((told.len(), more, told[0].title.as_str()), (30, 2, "n02"));
        let letter = write(Lang::Pt, ("Prefeitura", "https://a.invalid"), (&told, more), "https://a.invalid/sair");
        assert!(letter.subject.starts_with("Prefeitura"), "{letter:?}");
        assert!(letter.body.contains("n31\nhttps://a.invalid/secretaria/noticias/publicacoes/"), "{letter:?}");
        assert!(letter.body.contains("E mais 2") && letter.body.ends_with("\n\nhttps://a.invalid/sair"), "{letter:?}");
    }
}
