//! The small language of rules: words, "phrases", beginnings (enchent*), AND, OR and NOT (E, OU, NÃO), parentheses, and what only the title
//! may say (titulo:chuva). Case and accents do not count; words beside each other are AND. Pure.

use super::plain::words;

/// Letters of a rule, its words, and parentheses inside each other.
pub const MOST_LETTERS: usize = 1000;
const MOST_TERMS: usize = 100;
const MOST_DEPTH: usize = 20;
/// Letters of a beginning; shorter ones would fit everything.
const LEAST_BEGINNING: usize = 3;

/// What is wrong with a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct Fault {
    /// Of the first letter that is wrong, from 1.
    pub column: usize,
    pub message: String,
}

/// A rule that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query(Expr);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Term(Term),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    /// One word, or those of a phrase.
    words: Vec<String>,
    is_beginning: bool,
    only_title: bool,
}

/// What rules are held against.
#[derive(Clone, Debug)]
pub struct Story {
    title: Vec<String>,
    excerpt: Vec<String>,
}

impl Story {
    pub fn of(title: &str, excerpt: &str) -> Self {
        Self { title: words(title), excerpt: words(excerpt) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Term(Term),
}

impl Query {
    /// # Errors
    /// What is wrong first, and its column.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let letters: Vec<char> = text.chars().collect();
        if letters.len() > MOST_LETTERS {
            return Err(fault(MOST_LETTERS, format!("expected at most {MOST_LETTERS} characters")));
        }
        if let Some(at) = letters.iter().position(|c| c.is_control()) {
            return Err(fault(at, "expected no control characters"));
        }
        let tokens = tokens(&letters)?;
        if tokens.iter().filter(|(_, token)| matches!(token, Token::Term(_))).count() > MOST_TERMS {
            return Err(fault(0, format!("expected at most {MOST_TERMS} words")));
        }
        let mut reader = Reader { tokens: &tokens, at: 0, end: letters.len(), depth: 0 };
        let expr = reader.any_of()?;
        if let Some((column, _)) = reader.peek() {
            return Err(fault(*column, "expected a word, E, OU or the end"));
        }
        let query = Self(expr);
        if query.matches(&Story::of("", "")) {
            return Err(fault(0, "fits every item; expected at least one word that has to be there"));
        }
        Ok(query)
    }

    pub fn matches(&self, story: &Story) -> bool {
        self.0.matches(story)
    }
}

impl Expr {
    fn matches(&self, story: &Story) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.matches(story)),
            Self::Or(all) => all.iter().any(|one| one.matches(story)),
            Self::Not(one) => !one.matches(story),
            Self::Term(term) => term.is_in(&story.title) || (!term.only_title && term.is_in(&story.excerpt)),
        }
    }
}

impl Term {
    fn is_in(&self, text: &[String]) -> bool {
        let Some((last, before)) = self.words.split_last() else { return false };
        text.windows(self.words.len()).any(|window| {
            let Some((at, earlier)) = window.split_last() else { return false };
            let ends = if self.is_beginning { at.starts_with(last.as_str()) } else { at == last };
            ends && earlier == before
        })
    }
}

fn fault(at: usize, message: impl Into<String>) -> Fault {
    Fault { column: at + 1, message: message.into() }
}

fn tokens(letters: &[char]) -> Result<Vec<(usize, Token)>, Fault> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(c) = letters.get(at) {
        let from = at;
        match c {
            '(' => found.push((from, Token::Open)),
            ')' => found.push((from, Token::Close)),
            '-' => found.push((from, Token::Not)),
            c if c.is_whitespace() => {}
            _ => {
                let (token, end) = word(letters, at)?;
                found.push((from, token));
                at = end;
                continue;
            }
        }
        at += 1;
    }
    Ok(found)
}

/// An operator, or a term with what stands before and after it. Gives where it ends.
fn word(letters: &[char], from: usize) -> Result<(Token, usize), Fault> {
    if letters[from] == '"' {
        return phrase(letters, from, false);
    }
    let is_over = |c: &char| c.is_whitespace() || matches!(c, '(' | ')' | '"');
    let end = letters[from..].iter().position(is_over).map_or(letters.len(), |length| from + length);
    let text: String = letters[from..end].iter().collect();
    match text.as_str() {
        "E" | "AND" => return Ok((Token::And, end)),
        "OU" | "OR" => return Ok((Token::Or, end)),
        "NÃO" | "NAO" | "NOT" => return Ok((Token::Not, end)),
        _ => {}
    }
    let (only_title, rest) = match text.split_once(':') {
        None => (false, text.as_str()),
        Some(("titulo" | "título" | "title", rest)) => (true, rest),
        Some((name, _)) => return Err(fault(from, format!("{name}: is unknown; expected titulo:"))),
    };
    if only_title && rest.is_empty() && letters.get(end) == Some(&'"') {
        return phrase(letters, end, true);
    }
    let is_beginning = rest.ends_with('*');
    let bare = rest.strip_suffix('*').unwrap_or(rest);
    if let Some(star) = bare.find('*') {
        let before = text.chars().count() - rest.chars().count() + bare[..star].chars().count();
        return Err(fault(from + before, "expected * at the end of a word only"));
    }
    let parts = words(bare);
    if parts.is_empty() {
        return Err(fault(from, "expected letters or digits"));
    }
    if is_beginning && parts.last().is_some_and(|last| last.chars().count() < LEAST_BEGINNING) {
        return Err(fault(from, format!("expected at least {LEAST_BEGINNING} letters before *")));
    }
    Ok((Token::Term(Term { words: parts, is_beginning, only_title }), end))
}

fn phrase(letters: &[char], from: usize, only_title: bool) -> Result<(Token, usize), Fault> {
    let inside = &letters[from + 1..];
    let Some(length) = inside.iter().position(|c| *c == '"') else {
        return Err(fault(from, "expected a second \""));
    };
    let parts = words(&inside[..length].iter().collect::<String>());
    if parts.is_empty() {
        return Err(fault(from, "expected words between the \""));
    }
    Ok((Token::Term(Term { words: parts, is_beginning: false, only_title }), from + length + 2))
}

struct Reader<'a> {
    tokens: &'a [(usize, Token)],
    at: usize,
    end: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&(usize, Token)> {
        self.tokens.get(self.at)
    }

    fn is_next(&self, wanted: &Token) -> bool {
        self.peek().is_some_and(|(_, token)| token == wanted)
    }

    fn took(&mut self, wanted: &Token) -> bool {
        let is_it = self.is_next(wanted);
        self.at += usize::from(is_it);
        is_it
    }

    fn any_of(&mut self) -> Result<Expr, Fault> {
        let mut all = vec![self.all_of()?];
        while self.took(&Token::Or) {
            all.push(self.all_of()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::Or(all) })
    }

    fn all_of(&mut self) -> Result<Expr, Fault> {
        let mut all = vec![self.one()?];
        while self.took(&Token::And)
            || !(self.peek().is_none() || self.is_next(&Token::Or) || self.is_next(&Token::Close))
        {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::And(all) })
    }

    fn one(&mut self) -> Result<Expr, Fault> {
        let Some((column, token)) = self.peek().cloned() else {
            return Err(fault(self.end, "expected a word"));
        };
        self.at += 1;
        match token {
            Token::Term(term) => Ok(Expr::Term(term)),
            Token::Not => {
                self.deeper(column)?;
                let inner = self.one()?;
                self.depth -= 1;
                Ok(Expr::Not(Box::new(inner)))
            }
            Token::Open => {
                self.deeper(column)?;
                let inner = self.any_of()?;
                self.depth -= 1;
                if self.took(&Token::Close) { Ok(inner) } else { Err(fault(column, "this ( is not closed")) }
            }
            Token::Close | Token::And | Token::Or => Err(fault(column, "expected a word")),
        }
    }

    fn deeper(&mut self, column: usize) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(fault(column, format!("more than {MOST_DEPTH} parts inside each other")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(rule: &str, title: &str, excerpt: &str) -> bool {
        Query::parse(rule).unwrap_or_else(|fault| panic!("{rule}: {fault}")).matches(&Story::of(title, excerpt))
    }

    #[test]
    fn rules_fit_words_whatever_their_case_and_accents() {
        assert!(fits("inundacao", "INUNDAÇÃO no centro", ""));
        assert!(fits("chuva defesa", "Chuva forte", "A Defesa Civil avisa"));
        assert!(!fits("chuva defesa", "Chuva forte", ""));
        assert!(fits("\"defesa civil\"", "", "a Defesa  Civil avisa"));
        assert!(!fits("\"defesa civil\"", "defesa", "civil"), "a phrase does not run from the title into the text");
        assert!(fits("enchent*", "Enchentes", "") && !fits("enchent", "Enchentes", ""));
        assert!(fits("titulo:chuva", "Chuva", "") && !fits("titulo:chuva", "Sol", "chuva"));
        assert!(fits("titulo:\"rio sobe\"", "O rio sobe", "") && !fits("titulo:\"rio sobe\"", "", "o rio sobe"));
        assert!(fits("guarda-chuva", "Guarda-chuva", ""), "what a mark joins is a phrase");
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        assert!(fits("chuva OU sol E vento", "chuva", "") && !fits("chuva OU sol E vento", "sol", ""));
        assert!(fits("(chuva OR sol) AND vento", "sol vento", "") && !fits("(chuva OR sol) AND vento", "chuva", ""));
        assert!(fits("chuva NÃO futebol", "chuva", "") && !fits("chuva -futebol", "chuva", "futebol"));
        assert!(
            fits("chuva -(ouro OU prata)", "chuva", "") && !fits("chuva NOT (ouro OU prata)", "chuva de prata", "")
        );
        // Small letters are words.
        assert!(fits("chuva e", "chuva e vento", "") && !fits("chuva e", "chuva", ""));
    }

    #[test]
    fn faults_tell_their_column() {
        for (rule, column) in [
            ("", 1),
            ("   ", 4),
            ("chuva OU", 9),
            ("OU chuva", 1),
            ("(chuva", 1),
            ("chuva )", 7),
            ("á \"sem fim", 3),
            ("chuva \"\"", 7),
            ("en*chente", 3),
            ("titulo:en*chente", 10),
            ("ab*", 1),
            ("chuva fonte:g1", 7),
            ("chuva !!", 7),
            ("NÃO chuva", 1),
            ("chuva OU NÃO sol", 1),
            ("chuva\0", 6),
        ] {
            assert_eq!(Query::parse(rule).map_err(|fault| fault.column), Err(column), "{rule}");
        }
        assert!(Query::parse(&"(".repeat(500)).unwrap_err().message.contains("inside each other"));
        assert!(Query::parse(&"a ".repeat(200)).unwrap_err().message.contains("100 words"));
        assert!(Query::parse(&"a".repeat(1001)).is_err());
    }
}
