//! Cells of the tables that leave as CSV (RFC 4180). Pure.

/// Quoted where it must be.
pub fn quoted(text: &str) -> String {
    if text.contains([',', ';', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The same of what people wrote: what a spreadsheet would reckon is given as text.
pub fn cell(text: &str) -> String {
    if begins_formula(text) { quoted(&format!("'{text}")) } else { quoted(text) }
}

/// A cell that spreadsheets would take for a formula gets an apostrophe in front (OWASP, "CSV injection"), where a writer of CSV does the
/// quoting.
pub fn harmless(cell: String) -> String {
    if begins_formula(&cell) { format!("'{cell}") } else { cell }
}

/// Whether a spreadsheet would reckon it.
pub fn begins_formula(text: &str) -> bool {
    text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_a_line_is_quoted() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a, \"b\"\n"), "\"a, \"\"b\"\"\n\"");
    }

    #[test]
    fn words_of_strangers_break_no_line_and_are_no_formula() {
        assert_eq!(cell("muro, \"casa\"\ncaiu"), "\"muro, \"\"casa\"\"\ncaiu\"");
        for formula in ["=1+1", "+55", "-1", "@x", " =1", "\t=1"] {
            assert!(cell(formula).starts_with('\''), "{formula}");
        }
        assert_eq!(cell("barranco"), "barranco");
    }

    #[test]
    fn what_begins_a_formula_is_harmless_behind_an_apostrophe() {
        for formula in ["=1+1", "+55", "-1", "@x", " =1", "\t=1", "\r=1"] {
            assert_eq!(harmless(formula.into()), format!("'{formula}"));
        }
        assert_eq!(harmless("a, \"b\" = 1".into()), "a, \"b\" = 1");
    }
}
