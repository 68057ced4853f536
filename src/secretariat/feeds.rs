//! Atom (RFC 4287) and JSON Feed 1.1 of what a module published. Pure: from snapshots only.

use serde_json::{Value, json};

use super::kernel::store::published::Published;
use crate::clock::Instant;

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

    fn entry(&self, one: &Published) -> String {
        format!("{}/secretaria/{}/publicacoes/{}", self.base, self.slug, one.case_id)
    }

    fn title(&self) -> String {
        self.tag.map_or_else(|| self.title.to_owned(), |tag| format!("{} · {tag}", self.title))
    }

    fn updated(&self, all: &[Published]) -> String {
        let last = all.iter().map(|one| one.published_at).max().unwrap_or(self.now);
        last.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }
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

pub fn atom(head: &Head<'_>, all: &[Published]) -> String {
    let stamp = |at: Instant| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
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
            "<entry>\n<id>urn:uuid:{}</id>\n<title>{}</title>\n<updated>{}</updated>\n<link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n",
            one.case_id,
            escaped(&headline(one)),
            stamp(one.published_at),
            escaped(&head.entry(one)),
        ));
        // Of a correction only the day of the correction is known here, and that is no first publication.
        if one.seq == 1 {
            out.push_str(&format!("<published>{}</published>\n", stamp(one.published_at)));
        }
        for tag in tags_of(one) {
            out.push_str(&format!("<category term=\"{}\"/>\n", escaped(&tag)));
        }
        out.push_str(&format!("<summary>{}</summary>\n", escaped(summary(one))));
        if !body(one).is_empty() {
            out.push_str(&format!("<content type=\"text\">{}</content>\n", escaped(body(one))));
        }
        out.push_str("</entry>\n");
    }
    out.push_str("</feed>\n");
    out
}

pub fn json(head: &Head<'_>, all: &[Published]) -> Value {
    let items: Vec<Value> = all
        .iter()
        .map(|one| {
            // Of a correction only the day of the correction is known here.
            let day = if one.seq == 1 { "date_published" } else { "date_modified" };
            json!({
                "id": format!("urn:uuid:{}", one.case_id),
                "url": head.entry(one),
                "title": headline(one),
                "summary": summary(one),
                "content_text": if body(one).is_empty() { summary(one) } else { body(one) },
                (day): one.published_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                "tags": tags_of(one),
            })
        })
        .collect();
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
        }
    }

    fn head(tag: Option<&str>) -> Head<'_> {
        let now = "2026-03-03T12:00:00Z".parse().unwrap();
        Head { base: "https://a.invalid", slug: "noticias", title: "Notícias", author: "Prefeitura", tag, now }
    }

    #[test]
    fn an_atom_feed_escapes_what_people_wrote_and_names_each_tag() {
        let text = atom(&head(Some("chuva")), &[one("<b>Chuva</b>", "Chuva, Obras públicas")]);
        assert!(text.contains("<title>NOT 2026/001 &lt;b&gt;Chuva&lt;/b&gt;</title>"), "{text}");
        assert!(text.contains("<category term=\"obras-públicas\"/>") && text.contains("Resumo &amp; mais"), "{text}");
        assert!(text.contains("<id>https://a.invalid/secretaria/noticias/feed.atom?tag=chuva</id>"), "{text}");
        assert!(text.contains("<updated>2026-03-02T12:00:00Z</updated>"), "{text}");
    }

    #[test]
    fn a_correction_has_the_id_of_what_it_corrects_and_is_no_first_publication() {
        let (first, mut second) = (one("Chuva", ""), one("Chuva", ""));
        second.seq = 2;
        let item = json(&head(None), std::slice::from_ref(&second))["items"][0].clone();
        assert_eq!(item["date_modified"], "2026-03-02T12:00:00Z", "{item}");
        assert_eq!(item["date_published"], Value::Null, "{item}");
        let (first, second) = (atom(&head(None), &[first]), atom(&head(None), &[second]));
        let id = "<id>urn:uuid:00000000-0000-0000-0000-000000000000</id>";
        assert!(first.contains(id) && second.contains(id), "{second}");
        assert!(first.contains("<published>2026-03-02T12:00:00Z</published>"), "{first}");
        assert!(!second.contains("<published>"), "{second}");
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
