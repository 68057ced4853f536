use super::*;

const BASE: &str = "https://jornal.example/rss.xml";

fn read(body: &[u8]) -> Result<Parsed, String> {
    let base = Url::parse(BASE).unwrap();
    parse(body, Around { content_type: "", base: Some(&base), tz: chrono_tz::America::Sao_Paulo })
}

#[test]
fn rss_2_is_read_with_what_is_kept_and_no_more() {
    let feed = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Jornal</title><link>https://jornal.example/</link>
<item><title><![CDATA[Chuva forte & vento]]></title><link>/cidade/1?utm_source=rss</link><guid isPermaLink="false">n-1</guid>
<media:group><media:title>Foto</media:title><title>Outro</title></media:group>
<description>&lt;p&gt;Rio &lt;b&gt;sobe&lt;/b&gt; &amp;amp; transborda.&lt;/p&gt;</description>
<content:encoded><![CDATA[O texto inteiro, que não se guarda.]]></content:encoded><pubDate>Sun, 22 Feb 2026 10:00:00 -0300</pubDate></item>
<item><guid>https://jornal.example/2</guid><description>Sem t&iacute;tulo</description></item><item><link>https://jornal.example/3</link></item>
</channel></rss>"#;
    let parsed = read(feed.as_bytes()).unwrap();
    let first = &parsed.items[0];
    assert_eq!(first.title, "Chuva forte & vento");
    assert_eq!(first.link, "https://jornal.example/cidade/1");
    assert_eq!((first.guid.as_str(), first.excerpt.as_str()), ("n-1", "Rio sobe & transborda."));
    assert_eq!(first.published_at, Some("2026-02-22T13:00:00Z".parse().unwrap()));
    let second = &parsed.items[1];
    assert_eq!((second.title.as_str(), second.link.as_str()), ("Sem título", "https://jornal.example/2"));
    assert_eq!((parsed.items.len(), parsed.problems), (2, 1));
    assert!(parsed.problem.contains("neither title nor text"), "{}", parsed.problem);
}

#[test]
fn rss_1_atom_and_json_feed_are_read() {
    let rdf = r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://g.example/"><title>Diário Oficial</title></channel>
<item rdf:about="https://g.example/9"><title>Decreto 9</title><link>https://g.example/9</link><dc:date>2026-02-22T10:00:00-03:00</dc:date></item></rdf:RDF>"#;
    let item = read(rdf.as_bytes()).unwrap().items.remove(0);
    assert_eq!(
        (item.title.as_str(), item.guid.as_str(), item.link.as_str()),
        ("Decreto 9", "https://g.example/9", "https://g.example/9")
    );
    assert!(item.published_at.is_some());

    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry><id>tag:a,2026:1</id><title type="html">A &amp;lt; B</title>
<link rel="enclosure" href="/a.mp3"/><link href="/a"/><updated>2026-02-22T13:00:00Z</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Um</p><p>dois <b>tr</b>ês</p></div></content></entry></feed>"#;
    let item = read(atom.as_bytes()).unwrap().items.remove(0);
    assert_eq!(
        (item.title.as_str(), item.link.as_str(), item.excerpt.as_str()),
        ("A < B", "https://jornal.example/a", "Um dois três")
    );
    assert_eq!(item.published_at, Some("2026-02-22T13:00:00Z".parse().unwrap()));

    let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"x","items":[{"id":7,"url":"https://j.example/7","title":"Sete",
"content_html":"<p>Corpo</p>","date_published":"2026-02-22T10:00:00-03:00"}]}"#;
    let item = read(json.as_bytes()).unwrap().items.remove(0);
    assert_eq!((item.guid.as_str(), item.title.as_str(), item.excerpt.as_str()), ("7", "Sete", "Corpo"));
}

#[test]
fn what_breaks_off_gives_what_stood_before_and_says_so() {
    let cut = "<rss><channel><item><title>Um</title><guid>1</guid></item><item><title>Do";
    let parsed = read(cut.as_bytes()).unwrap();
    assert_eq!((parsed.items.len(), parsed.problems), (1, 1));
    let crossed = "<rss><channel><item><title>Um</title><guid>1</guid></item><item><title>Dois</item></channel></rss>";
    let parsed = read(crossed.as_bytes()).unwrap();
    assert_eq!((parsed.items.len(), parsed.problems), (1, 1));
}

#[test]
fn no_document_makes_the_reader_grow_or_fetch() {
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>"#;
    assert!(read(laughs.as_bytes()).unwrap_err().contains("entities"));
    let outside = r#"<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>"#;
    assert!(read(outside.as_bytes()).is_err());
    let older = r#"<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd"><rss><channel><item><title>&x; Tr&ecirc;s</title></item></channel></rss>"#;
    assert_eq!(read(older.as_bytes()).unwrap().items[0].title, "&x; Três");
    let deep = format!("<rss>{}", "<a>".repeat(100));
    assert!(read(deep.as_bytes()).unwrap_err().contains("inside each other"));
    let long = format!("<rss><channel><item><title>{}</title></item></channel></rss>", "é".repeat(200_000));
    assert_eq!(read(long.as_bytes()).unwrap().items[0].title.chars().count(), TITLE);
    let many = format!("<rss><channel>{}</channel></rss>", "<item><title>x</title></item>".repeat(MOST_ITEMS + 1));
    let parsed = read(many.as_bytes()).unwrap();
    assert_eq!((parsed.items.len(), parsed.problems), (MOST_ITEMS, 1));
}

#[test]
fn what_is_no_feed_is_told() {
    for body in [
        "",
        "olá",
        "<html><body>x</body></html>",
        "<svg/>",
        "{}",
        r#"{"version":"https://jsonfeed.org/version/1"}"#,
        "{",
    ] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
    assert!(read(b"<html>").unwrap_err().contains("is <html>"));
    assert_eq!(read(b"<rss><channel></channel></rss>").unwrap(), Parsed::default());
}
