//! Plain text of what feeds write as HTML. Each letter is looked at once, whatever is left open. Pure.

/// Names that feeds use, besides numbers.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("hellip", '…'),
    ("bull", '•'),
    ("middot", '·'),
    ("deg", '°'),
    ("ordm", 'º'),
    ("ordf", 'ª'),
    ("sect", '§'),
    ("euro", '€'),
    ("aacute", 'á'),
    ("agrave", 'à'),
    ("acirc", 'â'),
    ("atilde", 'ã'),
    ("auml", 'ä'),
    ("ccedil", 'ç'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("ecirc", 'ê'),
    ("iacute", 'í'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("otilde", 'õ'),
    ("ouml", 'ö'),
    ("uacute", 'ú'),
    ("uuml", 'ü'),
    ("ntilde", 'ñ'),
    ("Aacute", 'Á'),
    ("Agrave", 'À'),
    ("Acirc", 'Â'),
    ("Atilde", 'Ã'),
    ("Ccedil", 'Ç'),
    ("Eacute", 'É'),
    ("Ecirc", 'Ê'),
    ("Iacute", 'Í'),
    ("Oacute", 'Ó'),
    ("Ocirc", 'Ô'),
    ("Otilde", 'Õ'),
    ("Uacute", 'Ú'),
    ("Uuml", 'Ü'),
];
/// Letters of the longest name, and of the longest number.
const LONGEST_NAME: usize = 10;

/// Text without tags, references, control characters and direction marks, its spaces as one, of at most `most` letters.
pub fn from_html(html: &str, most: usize) -> String {
    let mut out = Flat { text: String::new(), letters: 0, most, gap: false };
    let mut rest = html;
    while !out.is_full() {
        let Some(at) = rest.find(['<', '&']) else {
            out.push_all(rest);
            break;
        };
        out.push_all(&rest[..at]);
        let (first, after) = rest[at..].split_at(1);
        rest = if first == "<" { tag(after, &mut out) } else { reference(after, &mut out) };
    }
    out.done()
}

/// Text of at most `most` letters; what is cut ends at a word with "…".
struct Flat {
    text: String,
    letters: usize,
    most: usize,
    gap: bool,
}

impl Flat {
    const fn is_full(&self) -> bool {
        self.letters > self.most
    }

    fn push_all(&mut self, text: &str) {
        for c in text.chars() {
            if self.is_full() {
                return;
            }
            self.push(c);
        }
    }

    fn push(&mut self, c: char) {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}');
        if turns {
            return;
        }
        if c.is_whitespace() || c.is_control() {
            self.gap = !self.text.is_empty();
            return;
        }
        if std::mem::take(&mut self.gap) {
            self.text.push(' ');
            self.letters += 1;
        }
        self.text.push(c);
        self.letters += 1;
    }

    fn done(self) -> String {
        if self.letters <= self.most {
            return self.text;
        }
        let kept: String = self.text.chars().take(self.most.saturating_sub(1)).collect();
        let at_word = kept.rfind(' ').filter(|at| *at > kept.len() / 2).unwrap_or(kept.len());
        format!("{}…", kept[..at_word].trim_end_matches([' ', ',', ';', ':', '-']))
    }
}

/// What follows a tag; `after` stands behind its `<`.
fn tag<'a>(after: &'a str, out: &mut Flat) -> &'a str {
    if let Some(comment) = after.strip_prefix("!--") {
        return comment.split_once("-->").map_or("", |(_, rest)| rest);
    }
    let name = after.strip_prefix('/').unwrap_or(after);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
        // "3 < 5" is no tag.
        out.push('<');
        return after;
    }
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    let word = name[..end.min(16)].to_ascii_lowercase();
    if matches!(
        word.as_str(),
        "p" | "br" | "div" | "li" | "ul" | "ol" | "tr" | "td" | "h1" | "h2" | "h3" | "h4" | "blockquote"
    ) {
        out.push(' ');
    }
    let Some((_, rest)) = after.split_once('>') else { return "" };
    if !after.starts_with('/') && matches!(word.as_str(), "script" | "style") {
        return closing(rest, &word);
    }
    rest
}

/// From the end tag of an element on; nothing when it is never closed.
fn closing<'a>(mut rest: &'a str, word: &str) -> &'a str {
    while let Some(at) = rest.find("</") {
        let after = &rest[at + 2..];
        if after.get(..word.len()).is_some_and(|name| name.eq_ignore_ascii_case(word)) {
            return &rest[at..];
        }
        rest = after;
    }
    ""
}

/// What follows a reference; `after` stands behind its `&`. What is none stays as it is.
fn reference<'a>(after: &'a str, out: &mut Flat) -> &'a str {
    let window = after.char_indices().take(LONGEST_NAME + 1).find(|(_, c)| *c == ';').map(|(at, _)| at);
    let found = window.and_then(|at| Some((meaning(&after[..at])?, &after[at + 1..])));
    if let Some((c, rest)) = found {
        out.push(c);
        return rest;
    }
    out.push('&');
    after
}

fn meaning(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_what_a_reader_reads() {
        let text = |html| from_html(html, 500);
        assert_eq!(text("<p>Chuva&nbsp;forte</p><p>derruba &aacute;rvore</p>"), "Chuva forte derruba árvore");
        assert_eq!(text("Saia<script>alert('x')</script> agora<style>p{}</style>!"), "Saia agora!");
        assert_eq!(text("3 < 5 & 7 &desconhecida; &#8217; &#x41;"), "3 < 5 & 7 &desconhecida; ’ A");
        assert_eq!(text("a<!-- b > c -->d<img src=x onerror=alert(1)>"), "ad");
        assert_eq!(text("um\u{202e}dois\u{0}\n\ttrês"), "umdois três");
        assert_eq!(text("fim <b"), "fim");
        assert_eq!(text("<script>sem fim"), "");
    }

    #[test]
    fn what_is_cut_ends_at_a_word_and_within_its_bound() {
        let cut = from_html(&"palavra ".repeat(100), 50);
        assert!(cut.chars().count() <= 50 && cut.ends_with("palavra…"), "{cut}");
        assert_eq!(from_html(&"x".repeat(60), 50).chars().count(), 50);
        assert_eq!(from_html(&"é".repeat(50), 50), "é".repeat(50));
    }
}
