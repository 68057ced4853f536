//! Atom (RFC 4287) and JSON Feed 1.1 of what a module published. Pure: from snapshots only.

use serde_json::{Value, json};
use uuid::Uuid;

use super::beside::Beside;
use super::kernel::store::published::Published;
use crate::clock::Instant;
use crate::i18n::Lang;

/// What stands above the entries.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// "https://sentinela.example"
    pub base: &'a str,
    /// Word of the module in addresses of pages.
    pub slug: &'a str,
    pub title: &'a str,
    pub author: &'a str,
    pub tag: Option<&'a str>,
    /// Of an empty feed.
    pub now: Instant,
}

impl Head<'_> {
    fn address(&self, file: &str) -> String {
        let tag = self.tag.map(|tag| format!("?tag={}", segment(tag))).unwrap_or_default();
        format!("{}/secretaria/{}/{file}{tag}", self.base, self.slug)
    }

    fn title(&self) -> String {
        self.tag.map_or_else(|| self.title.to_owned(), |tag| format!("{} · {tag}", self.title))
    }

    fn updated(&self, all: &[Entry]) -> String {
        stamp(all.iter().map(|one| one.at).max().unwrap_or(self.now))
    }
}

/// One publication in a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The same over all corrections.
    pub id: Uuid,
    /// Below the root of the service.
    pub path: String,
    pub title: String,
    pub summary: String,
    /// Empty: the summary is all of it.
    pub body: String,
    pub tags: Vec<String>,
    /// None: only the last version is known.
    pub first_at: Option<Instant>,
    pub at: Instant,
}

impl Entry {
    /// Of a case.
    pub fn of_case(slug: &str, one: &Published) -> Self {
        Self {
            id: one.case_id,
            path: format!("/secretaria/{slug}/publicacoes/{}", one.case_id),
            title: headline(one),
            summary: summary(one).to_owned(),
            body: body(one).to_owned(),
            tags: tags_of(one),
            // Of a correction only the day of the correction is known here, and that is no first publication.
            first_at: (one.seq == 1).then_some(one.published_at),
            at: one.published_at,
        }
    }

    /// Of what is no case.
    pub fn beside(one: &Beside) -> Self {
        let title = one.title(Lang::Pt);
        Self {
            id: one.id,
            path: one.path.clone(),
            summary: title.clone(),
            title,
            body: String::new(),
            tags: Vec::new(),
            first_at: one.first_at,
            at: one.published_at,
        }
    }
}

fn stamp(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What XML 1.0 lets stand in text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => out.push(letter),
        }
    }
    out
}

fn field<'a>(one: &'a Published, names: &[&str]) -> &'a str {
    names.iter().find_map(|name| one.view.fields.get(*name).and_then(Value::as_str)).unwrap_or_default()
}

/// Two sentences of a publication, whatever its type calls them.
pub fn summary(one: &Published) -> &str {
    field(one, &["lead", "summary", "description", "message", "text"])
}

/// The whole of it.
pub fn body(one: &Published) -> &str {
    field(one, &["body", "report", "text", "message", "steps"])
}

/// "Chuva, Obras públicas" → chuva, obras-públicas: as the database has them.
pub fn tags(text: &str) -> Vec<String> {
    let mut all: Vec<String> = text
        .split(',')
        .map(|part| part.trim().to_lowercase().replace(' ', "-"))
        .filter(|tag| !tag.is_empty())
        .collect();
    all.sort();
    all.dedup();
    all
}

pub fn tags_of(one: &Published) -> Vec<String> {
    tags(field(one, &["tags"]))
}

fn headline(one: &Published) -> String {
    format!("{} {}", one.view.number, one.view.title).trim().to_owned()
}

pub fn atom(head: &Head<'_>, all: &[Entry]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"pt-BR\">\n",
    );
    let own = head.address("feed.atom");
    out.push_str(&format!(
        "<id>{0}</id>\n<title>{1}</title>\n<updated>{2}</updated>\n<author><name>{3}</name></author>\n<link rel=\"self\" type=\"application/atom+xml\" href=\"{0}\"/>\n<link rel=\"alternate\" type=\"text/html\" href=\"{4}\"/>\n",
        escaped(&own),
        escaped(&head.title()),
        head.updated(all),
        escaped(head.author),
        escaped(&format!("{}/secretaria/{}/publicacoes", head.base, head.slug)),
    ));
    for one in all {
        out.push_str(&format!(
            "<entry>\n<id>urn:uuid:{}</id>\n<title>{}</title>\n<updated>{}</updated>\n<link rel=\"alternate\" type=\"{}\" href=\"{}\"/>\n",
            one.id,
            escaped(&one.title),
            stamp(one.at),
            if one.path.ends_with(".pdf") { "application/pdf" } else { "text/html" },
            escaped(&format!("{}{}", head.base, one.path)),
        ));
        if let Some(first) = one.first_at {
            out.push_str(&format!("<published>{}</published>\n", stamp(first)));
        }
        for tag in &one.tags {
            out.push_str(&format!("<category term=\"{}\"/>\n", escaped(tag)));
        }
        out.push_str(&format!("<summary>{}</summary>\n", escaped(&one.summary)));
        if !one.body.is_empty() {
            out.push_str(&format!("<content type=\"text\">{}</content>\n", escaped(&one.body)));
        }
        out.push_str("</entry>\n");
    }
    out.push_str("</feed>\n");
    out
}

fn item(head: &Head<'_>, one: &Entry) -> Value {
    let mut item = json!({
        "id": format!("urn:uuid:{}", one.id),
        "url": format!("{}{}", head.base, one.path),
        "title": one.title,
        "summary": one.summary,
        "content_text": if one.body.is_empty() { &one.summary } else { &one.body },
        "tags": one.tags,
    });
    if let Some(first) = one.first_at {
        item["date_published"] = stamp(first).into();
    }
    if one.first_at != Some(one.at) {
        item["date_modified"] = stamp(one.at).into();
    }
    item
}

pub fn json(head: &Head<'_>, all: &[Entry]) -> Value {
    let items: Vec<Value> = all.iter().map(|one| item(head, one)).collect();
    json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": head.title(),
        "language": "pt-BR",
        "home_page_url": format!("{}/secretaria/{}/publicacoes", head.base, head.slug),
        "feed_url": head.address("feed.json"),
        "authors": [{ "name": head.author }],
        "items": items,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretariat::kernel::publication::PublicView;

    fn entries(all: &[Published]) -> Vec<Entry> {
        all.iter().map(|one| Entry::of_case("noticias", one)).collect()
    }

    fn one(title: &str, tags: &str) -> Published {
        let mut fields = serde_json::Map::new();
        fields.insert("lead".into(), "Resumo & mais".into());
        fields.insert("tags".into(), tags.into());
        Published {
            id: uuid::Uuid::nil(),
            case_id: uuid::Uuid::nil(),
            module: "news".into(),
            seq: 1,
            view: PublicView {
                type_key: "news.item".into(),
                version: 1,
                number: "NOT 2026/001".into(),
                title: title.into(),
                state: "published".into(),
                opened_on: "2026-03-01".parse().unwrap(),
                fields,
            },
            sha256: String::new(),
            published_at: "2026-03-02T12:00:00Z".parse().unwrap(),
            embargo_until: None,
            withdrawn_at: None,
            imported_at: None,
        }
    }

    fn head(tag: Option<&str>) -> Head<'_> {
        let now = "2026-03-03T12:00:00Z".parse().unwrap();
        Head { base: "https://a.invalid", slug: "noticias", title: "Notícias", author: "Prefeitura", tag, now }
    }

    #[test]
    fn an_atom_feed_escapes_what_people_wrote_and_names_each_tag() {
        let text = atom(&head(Some("chuva")), &entries(&[one("<b>Chuva</b>", "Chuva, Obras públicas")]));
        assert!(text.contains("<title>NOT 2026/001 &lt;b&gt;Chuva&lt;/b&gt;</title>"), "{text}");
        assert!(text.contains("<category term=\"obras-públicas\"/>") && text.contains("Resumo &amp; mais"), "{text}");
        assert!(text.contains("<id>https://a.invalid/secretaria/noticias/feed.atom?tag=chuva</id>"), "{text}");
        assert!(text.contains("<updated>2026-03-02T12:00:00Z</updated>"), "{text}");
    }

    #[test]
    fn a_correction_has_the_id_of_what_it_corrects_and_is_no_first_publication() {
        let (first, mut second) = (one("Chuva", ""), one("Chuva", ""));
        second.seq = 2;
        let item = json(&head(None), &entries(std::slice::from_ref(&second)))["items"][0].clone();
        assert_eq!(item["date_modified"], "2026-03-02T12:00:00Z", "{item}");
        assert_eq!(item["date_published"], Value::Null, "{item}");
        let (first, second) = (atom(&head(None), &entries(&[first])), atom(&head(None), &entries(&[second])));
        let id = "<id>urn:uuid:00000000-0000-0000-0000-000000000000</id>";
        assert!(first.contains(id) && second.contains(id), "{second}");
        assert!(first.contains("<published>2026-03-02T12:00:00Z</published>"), "{first}");
        assert!(!second.contains("<published>"), "{second}");
    }

    #[test]
    fn what_is_no_case_leads_to_its_own_page_and_tells_when_it_came_out_and_when_it_changed() {
        let minutes = Beside {
            id: uuid::Uuid::nil(),
            module: "committees".into(),
            kind: "minutes".into(),
            name: "Conselho · 1/2026".into(),
            path: "/secretaria/comites/conselho/atas/2026-1.pdf".into(),
            first_at: Some("2026-03-01T12:00:00Z".parse().unwrap()),
            published_at: "2026-03-02T12:00:00Z".parse().unwrap(),
            has_data: false,
        };
        let all = [Entry::beside(&minutes)];
        let text = atom(&head(None), &all);
        assert!(text.contains("<title>Ata: Conselho · 1/2026</title>"), "{text}");
        assert!(text.contains("type=\"application/pdf\" href=\"https://a.invalid/secretaria/comites/"), "{text}");
        assert!(text.contains("<published>2026-03-01T12:00:00Z</published>"), "{text}");
        let item = json(&head(None), &all)["items"][0].clone();
        let days = (&item["date_published"], &item["date_modified"]);
        assert_eq!(days, (&json!("2026-03-01T12:00:00Z"), &json!("2026-03-02T12:00:00Z")), "{item}");
    }

    #[test]
    fn letters_that_xml_does_not_know_are_left_out() {
        assert_eq!(escaped("a\u{0}b\u{fffe}c\u{ffff}d\u{85}e"), "abcde");
    }

    #[test]
    fn an_empty_feed_is_a_feed() {
        assert!(atom(&head(None), &[]).contains("<updated>2026-03-03T12:00:00Z</updated>"));
        assert_eq!(json(&head(None), &[])["items"], json!([]));
    }

    #[test]
    fn tags_are_small_single_and_sorted() {
        assert_eq!(tags(" Obras, chuva,,Chuva "), ["chuva", "obras"]);
    }
}
