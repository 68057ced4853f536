//! Sentences that desks write for programs, in the reader's words: found by their form, with what stands in their gaps. Reasons that are
//! typed have words of their own (`refused::Reason`).

use crate::i18n::Lang;
use crate::web::error::FieldError;

/// Each form with its gaps as `{}`, the more special first, and the key of its words; the gaps are `$a` to `$d`.
const FORMS: [(&str, &str); 194] = [
    (
        "no quorum to decide: {} of {} seats present, {} needed (quorum of {}, recused members not counted)",
        "said-no-quorum-to-decide-x",
    ),
    (
        "the suspensive clause was due on {} and was not met: the instrument is to be extinguished",
        "said-the-suspensive-clause-was-due-on-x-and-was-not-met-the-instr",
    ),
    (
        "accounts of a year are given after it, and only of partnerships that last longer",
        "said-accounts-of-a-year-are-given-after-it-and-only-of-partnershi",
    ),
    (
        "a partnership is signed with a manager and a commission of monitoring appointed",
        "said-a-partnership-is-signed-with-a-manager-and-a-commission-of-m",
    ),
    (
        "{} is neither a CNPJ nor a CPF: expected 14 or 11 places with right check digits",
        "said-x-is-neither-a-cnpj-nor-a-cpf-expected-14-or-11-places-with",
    ),
    (
        "an amendment takes from other lines, or from revenue that was reckoned wrongly",
        "said-an-amendment-takes-from-other-lines-or-from-revenue-that-was",
    ),
    (
        "no hearing was held: it comes before the bill is submitted (LRF art. 48 §1 I)",
        "said-no-hearing-was-held-it-comes-before-the-bill-is-submitted-lr",
    ),
    (
        "the notice is too short: a meeting that is convened now begins on {} or later",
        "said-the-notice-is-too-short-a-meeting-that-is-convened-now-begin",
    ),
    (
        "revenue changes only where its reckoning was wrong: name the source revenue",
        "said-revenue-changes-only-where-its-reckoning-was-wrong-name-the",
    ),
    (
        "expected at most {} characters on one line that begins with none of = + - @",
        "said-expected-at-most-x-characters-on-one-line-that-begins-with-n",
    ),
    (
        "no release before the extract is published: it is the condition of effect",
        "said-no-release-before-the-extract-is-published-it-is-the-conditi",
    ),
    (
        "{} is a line of the budget already: what is more is a supplementary credit",
        "said-x-is-a-line-of-the-budget-already-what-is-more-is-a-suppleme",
    ),
    (
        "expected {} to {} characters on one line that begins with none of = + - @",
        "said-expected-x-to-x-characters-on-one-line-that-begins-with-none",
    ),
    (
        "{} is no amount; expected reais as 1.234.567,89, at most R$ 10 trillion",
        "said-x-is-no-amount-expected-reais-as-1-234-567-89-at-most-r-10-t",
    ),
    (
        "the casting vote is given by who presides and voted, from their own account",
        "said-the-casting-vote-is-given-by-who-presides-and-voted-from-the",
    ),
    (
        "appointed again {} times without a pause: the rules of this body allow {}",
        "said-appointed-again-x-times-without-a-pause-the-rules-of-this-bo",
    ),
    (
        "the vote is tied and the chair, who may decide it, has not said how",
        "said-the-vote-is-tied-and-the-chair-who-may-decide-it-has-not-sai",
    ),
    (
        "the term runs until {}; before, it ends by rescission with its reason",
        "said-the-term-runs-until-x-before-it-ends-by-rescission-with-its",
    ),
    (
        "the titular of this seat is present: the substitute does not count",
        "said-the-titular-of-this-seat-is-present-the-substitute-does-not",
    ),
    (
        "the call has to be open until {} at least: 30 days (agreements.call)",
        "said-the-call-has-to-be-open-until-x-at-least-30-days-agreements",
    ),
    (
        "the vote is not tied: there is nothing for the chair to decide",
        "said-the-vote-is-not-tied-there-is-nothing-for-the-chair-to-decid",
    ),
    (
        "no release while accounts of the same partner are overdue, in {}",
        "said-no-release-while-accounts-of-the-same-partner-are-overdue-in",
    ),
    (
        "no release while accounts are overdue: they were due on {}, by {}",
        "said-no-release-while-accounts-are-overdue-they-were-due-on-x-by",
    ),
    (
        "expected an amount, as 1234,56 in a text or 123456 centavos",
        "said-expected-an-amount-as-1234-56-in-a-text-or-123456-centavos",
    ),
    (
        "a contract is signed with whoever watches over it appointed",
        "said-a-contract-is-signed-with-whoever-watches-over-it-appointed",
    ),
    (
        "expected {} or later: nobody sits before the act of creation",
        "said-expected-x-or-later-nobody-sits-before-the-act-of-creation",
    ),
    (
        "an amendment changes what was signed; there is no term yet",
        "said-an-amendment-changes-what-was-signed-there-is-no-term-yet",
    ),
    (
        "the instrument ended on {}; nothing is amended after its end",
        "said-the-instrument-ended-on-x-nothing-is-amended-after-its-end",
    ),
    (
        "{} is no line of the budget: what is new is a special credit",
        "said-x-is-no-line-of-the-budget-what-is-new-is-a-special-credit",
    ),
    (
        "expected an address that begins with https:// or http://",
        "said-expected-an-address-that-begins-with-https-or-http",
    ),
    (
        "expected both what is to be done and by whom, or neither",
        "said-expected-both-what-is-to-be-done-and-by-whom-or-neither",
    ),
    (
        "R$ {} would be released by {}, when the schedule allows R$ {}",
        "said-r-x-would-be-released-by-x-when-the-schedule-allows-r-x",
    ),
    (
        "only an extraordinary credit is opened without a source",
        "said-only-an-extraordinary-credit-is-opened-without-a-source",
    ),
    (
        "the case was changed meanwhile; it is at revision {} now",
        "said-the-case-was-changed-meanwhile-it-is-at-revision-x-now",
    ),
    (
        "expected a telephone with its area, as +5532999990000",
        "said-expected-a-telephone-with-its-area-as-5532999990000",
    ),
    (
        "the meeting is on {}: who is there is marked on its day",
        "said-the-meeting-is-on-x-who-is-there-is-marked-on-its-day",
    ),
    (
        "the rules of this body give the chair no casting vote",
        "said-the-rules-of-this-body-give-the-chair-no-casting-vote",
    ),
    (
        "R$ {} would be released, above the R$ {} that were agreed",
        "said-r-x-would-be-released-above-the-r-x-that-were-agreed",
    ),
    (
        "it ran out; its rule allows an extension only before",
        "said-it-ran-out-its-rule-allows-an-extension-only-before",
    ),
    (
        "nobody holds this seat as {} on the day of the meeting",
        "said-nobody-holds-this-seat-as-x-on-the-day-of-the-meeting",
    ),
    (
        "the codes of {} are those of the law: a town adds none",
        "said-the-codes-of-x-are-those-of-the-law-a-town-adds-none",
    ),
    (
        "expected {} to {} characters without control characters",
        "said-expected-x-to-x-characters-without-control-characters",
    ),
    ("expected the user name of an active member of staff", "said-expected-the-user-name-of-an-active-member-of-staff"),
    (
        "the deadline {} ends beyond the years of the calendar",
        "said-the-deadline-x-ends-beyond-the-years-of-the-calendar",
    ),
    (
        "the meeting is {}: only a draft of minutes is changed",
        "said-the-meeting-is-x-only-a-draft-of-minutes-is-changed",
    ),
    ("the item was rejected: there is nothing to resolve", "said-the-item-was-rejected-there-is-nothing-to-resolve"),
    (
        "{} votes of {} members who are present and not recused",
        "said-x-votes-of-x-members-who-are-present-and-not-recused",
    ),
    (
        "{} holds this seat from {} to {}: end that mandate first",
        "said-x-holds-this-seat-from-x-to-x-end-that-mandate-first",
    ),
    ("the bill is {}: an amendment needs a submitted bill", "said-the-bill-is-x-an-amendment-needs-a-submitted-bill"),
    ("no release while the suspensive clause is not met", "said-no-release-while-the-suspensive-clause-is-not-met"),
    ("no resolution without a decision that had quorum", "said-no-resolution-without-a-decision-that-had-quorum"),
    ("expected days within the term of the body, {} to {}", "said-expected-days-within-the-term-of-the-body-x-to-x"),
    ("{}: it moves no money; the value has to be nought", "said-x-it-moves-no-money-the-value-has-to-be-nought"),
    ("a special credit needs a law that authorises it", "said-a-special-credit-needs-a-law-that-authorises-it"),
    ("the account {} belongs to another person already", "said-the-account-x-belongs-to-another-person-already"),
    ("the bill is {}: a credit needs an enacted budget", "said-the-bill-is-x-a-credit-needs-an-enacted-budget"),
    ("{}: it moves no money, and R$ {} were to be agreed", "said-x-it-moves-no-money-and-r-x-were-to-be-agreed"),
    ("this person is marked present in another seat", "said-this-person-is-marked-present-in-another-seat"),
    ("the act {} does not fit the state {}; it allows: {}", "said-the-act-x-does-not-fit-the-state-x-it-allows-x"),
    ("an expression of interest names who brings it", "said-an-expression-of-interest-names-who-brings-it"),
    ("R$ {} would be measured, above the whole of R$ {}", "said-r-x-would-be-measured-above-the-whole-of-r-x"),
    ("the term runs until {} and the plan is not done", "said-the-term-runs-until-x-and-the-plan-is-not-done"),
    ("expected an amount above nought within {} and {}", "said-expected-an-amount-above-nought-within-x-and-x"),
    ("its rule allows {} extensions, and it had them", "said-its-rule-allows-x-extensions-and-it-had-them"),
    ("its rule does not allow it to be interrupted", "said-its-rule-does-not-allow-it-to-be-interrupted"),
    ("this member is recused from the item already", "said-this-member-is-recused-from-the-item-already"),
    ("{} is recused from this item and does not vote", "said-x-is-recused-from-this-item-and-does-not-vote"),
    ("the bill changed meanwhile; look at it again", "said-the-bill-changed-meanwhile-look-at-it-again"),
    ("R$ {} would be committed, above the R$ {} agreed", "said-r-x-would-be-committed-above-the-r-x-agreed"),
    ("expected an address such as ana@exemplo.org", "said-expected-an-address-such-as-ana-exemplo-org"),
    ("the day lies before one that counts already", "said-the-day-lies-before-one-that-counts-already"),
    ("R$ {} were neither accounted for nor returned", "said-r-x-were-neither-accounted-for-nor-returned"),
    ("more than the R$ {} agreed would be committed", "said-more-than-the-r-x-agreed-would-be-committed"),
    ("expected another value or another last day", "said-expected-another-value-or-another-last-day"),
    ("its rule does not allow it to be suspended", "said-its-rule-does-not-allow-it-to-be-suspended"),
    ("{} holds another seat of this body from {} to {}", "said-x-holds-another-seat-of-this-body-from-x-to-x"),
    ("there is a body with the address {} already", "said-there-is-a-body-with-the-address-x-already"),
    ("{}: R$ {} would be left, and R$ {} is committed", "said-x-r-x-would-be-left-and-r-x-is-committed"),
    ("{}: nothing is taken from personnel or debt", "said-x-nothing-is-taken-from-personnel-or-debt"),
    ("expected a time to come, within 400 days", "said-expected-a-time-to-come-within-400-days"),
    ("the place {} or the role {} is taken already", "said-the-place-x-or-the-role-x-is-taken-already"),
    ("name the source that the other lines are", "said-name-the-source-that-the-other-lines-are"),
    ("the term of this body does not hold on {}", "said-the-term-of-this-body-does-not-hold-on-x"),
    ("expected the series of a type of cases", "said-expected-the-series-of-a-type"),
    ("releases are held until it is mended: {}", "said-releases-are-held-until-it-is-mended-x"),
    ("expected a CNPJ with its check digits", "said-expected-a-cnpj-with-its-check-digits"),
    ("it changed meanwhile: revision {}, now {}", "said-it-changed-meanwhile-revision-x-now-x"),
    ("{}: only approved minutes are published", "said-x-only-approved-minutes-are-published"),
    ("expected {} to {} characters on one line", "said-expected-x-to-x-characters-on-one-line"),
    ("expected the day of signing or later", "said-expected-the-day-of-signing-or-later"),
    ("expected a CPF with its check digits", "said-expected-a-cpf-with-its-check-digits"),
    ("it changed meanwhile: revision {} now", "said-it-changed-meanwhile-revision-x-now"),
    ("no release outside the term of {} to {}", "said-no-release-outside-the-term-of-x-to-x"),
    ("R$ {} were neither spent nor returned", "said-r-x-were-neither-spent-nor-returned"),
    ("annulled expense changes no revenue", "said-annulled-expense-changes-no-revenue"),
    ("no rule of the deadline {} holds on {}", "said-no-rule-of-the-deadline-x-holds-on-x"),
    ("the same document is there already", "said-the-same-document-is-there-already"),
    ("the amendment {} was decided already", "said-the-amendment-x-was-decided-already"),
    ("the day {} lies outside of the year {}", "said-the-day-x-lies-outside-of-the-year-x"),
    ("expected a whole number from {} to {}", "said-expected-a-whole-number-from-x-to-x"),
    ("the item has a resolution already", "said-the-item-has-a-resolution-already"),
    ("expected a day of the years {} to {}", "said-expected-a-day-of-the-years-x-to-x"),
    ("the bill is {}: its content stands", "said-the-bill-is-x-its-content-stands"),
    ("expected an amount above nought", "said-expected-an-amount-above-nought"),
    ("the item has {} documents already", "said-the-item-has-x-documents-already"),
    ("there is an instrument {} already", "said-there-is-an-instrument-x-already"),
    ("a portfolio belongs to no other", "said-a-portfolio-belongs-to-no-other"),
    ("expected reais as 1.234.567,89", "said-expected-reais-as-1-234-567-89"),
    ("is no account that may sign in", "said-is-no-account-that-may-sign-in"),
    ("nobody is present in this seat", "said-nobody-is-present-in-this-seat"),
    ("{} of {} members approved: {} needed", "said-x-of-x-members-approved-x-needed"),
    ("a line that changes by nothing", "said-a-line-that-changes-by-nothing"),
    ("{}: R$ {} less R$ {} is below nought", "said-x-r-x-less-r-x-is-below-nought"),
    ("revenue {} would be below nought", "said-revenue-x-would-be-below-nought"),
    ("expected at most {} characters without control characters", "said-expected-at-most-x-plain-characters"),
    ("expected the code of a service of the list", "said-expected-the-code-of-a-service-of-the-list"),
    ("expected that it is confirmed", "said-expected-that-it-is-confirmed"),
    ("expected a day, as 2026-03-31", "said-expected-a-day-as-2026-03-31"),
    ("expected a plan of work first", "said-expected-a-plan-of-work-first"),
    ("expected a deadline that runs", "said-expected-a-deadline-that-runs"),
    ("the deadline stays as it is: {}", "said-the-deadline-stays-as-it-is-x"),
    ("the meeting is {}: it does not {}", "said-the-meeting-is-x-it-does-not-x"),
    ("the agenda has {} items already", "said-the-agenda-has-x-items-already"),
    ("proposals were not sent yet: {}", "said-proposals-were-not-sent-yet-x"),
    ("R$ {} have to be returned first", "said-r-x-have-to-be-returned-first"),
    ("expected a day as 31/12/2026", "said-expected-a-day-as-31-12-2026"),
    ("its rule allows no extension", "said-its-rule-allows-no-extension"),
    ("this body has {} seats already", "said-this-body-has-x-seats-already"),
    ("this seat was taken away on {}", "said-this-seat-was-taken-away-on-x"),
    ("{} amendments await a decision", "said-x-amendments-await-a-decision"),
    ("there is a {} for {} to {} already", "said-there-is-a-x-for-x-to-x-already"),
    ("expected no negative amount", "said-expected-no-negative-amount"),
    ("the type {} has no such field", "said-the-type-x-has-no-such-field"),
    ("the item is decided already", "said-the-item-is-decided-already"),
    ("proposals were taken until {}", "said-proposals-were-taken-until-x"),
    ("expected days within {} and {}", "said-expected-days-within-x-and-x"),
    ("expected an e-mail address", "said-expected-an-e-mail-address"),
    ("the deadline {} does not run", "said-the-deadline-x-does-not-run"),
    ("it had run out by that day", "said-it-had-run-out-by-that-day"),
    ("its rule asks for a reason", "said-its-rule-asks-for-a-reason"),
    ("the meeting is {}: expected {}", "said-the-meeting-is-x-expected-x"),
    ("the role {} is taken already", "said-the-role-x-is-taken-already"),
    ("the milestone {} is not done", "said-the-milestone-x-is-not-done"),
    ("expected {} to {} characters {}", "said-expected-x-to-x-characters-x"),
    ("expected reais as 1234,56", "said-expected-reais-as-1234-56"),
    ("is no member of this body", "said-is-no-member-of-this-body"),
    ("a line stands there twice", "said-a-line-stands-there-twice"),
    ("expected {} to {} characters", "said-expected-x-to-x-characters"),
    ("expected one or more of {}", "said-expected-one-or-more-of-x"),
    ("expected a partner first", "said-expected-a-partner-first"),
    ("the act {} needs the role {}", "said-the-act-x-needs-the-role-x"),
    ("this seat was taken away", "said-this-seat-was-taken-away"),
    ("expected nought or more", "said-expected-nought-or-more"),
    ("expected a whole number", "said-expected-a-whole-number"),
    ("expected something here", "said-expected-something-here"),
    ("expected a PDF document", "said-expected-a-pdf-document"),
    ("expected at most {} items", "said-expected-at-most-x-items"),
    ("they are linked already", "said-they-are-linked-already"),
    ("nothing of it is public", "said-nothing-of-it-is-public"),
    ("it is suspended already", "said-it-is-suspended-already"),
    ("the call is open until {}", "said-the-call-is-open-until-x"),
    ("expected true or false", "said-expected-true-or-false"),
    ("the second call is at {}", "said-the-second-call-is-at-x"),
    ("this mandate ended on {}", "said-this-mandate-ended-on-x"),
    ("expected a day after {}", "said-expected-a-day-after-x"),
    ("expected another case", "said-expected-another-case"),
    ("is not filled in here", "said-is-not-filled-in-here"),
    ("the first call is at {}", "said-the-first-call-is-at-x"),
    ("this body ended on {}: {}", "said-this-body-ended-on-x-x"),
    ("the bill is {}: {} needs {}", "said-the-bill-is-x-x-needs-x"),
    ("{} has sent no proposal", "said-x-has-sent-no-proposal"),
    ("a sum lies beyond R$ {}", "said-a-sum-lies-beyond-r-x"),
    ("expected {} or earlier", "said-expected-x-or-earlier"),
    ("expected another day", "said-expected-another-day"),
    ("the case is annulled", "said-the-case-is-annulled"),
    ("the deadline is over", "said-the-deadline-is-over"),
    ("this needs the role {}", "said-this-needs-the-role-x"),
    ("it is linked already", "said-it-is-linked-already"),
    ("expected {} to {} bytes", "said-expected-x-to-x-bytes"),
    ("expected {} to {} items", "said-expected-x-to-x-items"),
    ("it is not suspended", "said-it-is-not-suspended"),
    ("{}: it moves no money", "said-x-it-moves-no-money"),
    ("expected {} or later", "said-expected-x-or-later"),
    ("there is no clause", "said-there-is-no-clause"),
    ("{} {}: expected a day {}", "said-x-x-expected-a-day-x"),
    ("{}: it needs a value", "said-x-it-needs-a-value"),
    ("expected at most {}", "said-expected-at-most-x"),
    ("expected one of {}", "said-expected-one-of-x"),
    ("expected a CNPJ", "said-expected-a-cnpj"),
    ("it was done on {}", "said-it-was-done-on-x"),
    ("a {} has no lines", "said-a-x-has-no-lines"),
    ("expected a day", "said-expected-a-day"),
    ("expected {} to {}", "said-expected-x-to-x"),
    ("expected {}", "said-expected-x"),
];
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// What stands in the gaps of a form, where a sentence has it.
fn gaps<'a>(form: &str, sentence: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = form.split("{}");
    let mut rest = sentence.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // The last part ends the sentence; those between are looked for.
        let at = if parts.peek().is_none() { rest.strip_suffix(part)?.len() } else { rest.find(part)? };
        let (gap, after) = rest.split_at_checked(at)?;
        if gap.is_empty() {
            return None;
        }
        found.push(gap);
        rest = after.get(part.len()..)?;
    }
    rest.is_empty().then_some(found)
}

/// A gap in words: a day as the reader writes it, a sentence in their language.
fn word(lang: Lang, gap: &str) -> String {
    match gap.parse::<chrono::NaiveDate>() {
        Ok(day) => day.format(if lang == Lang::Pt { "%d/%m/%Y" } else { "%-d %b %Y" }).to_string(),
        Err(_) => said(lang, gap),
    }
}

fn whole(lang: Lang, sentence: &str) -> Option<String> {
    let (key, found) = FORMS.iter().find_map(|(form, key)| Some((key, gaps(form, sentence)?)))?;
    let args: Vec<(&str, String)> = NAMES.iter().zip(found).map(|(name, gap)| (*name, word(lang, gap))).collect();
    Some(lang.tn(key, &args))
}

/// The sentence in the reader's language; as it is where it has no form. What stands in brackets behind it, the law, stays as it is.
pub fn said(lang: Lang, sentence: &str) -> String {
    // English stays as the desks wrote it: the same as programs read.
    if lang == Lang::En {
        return sentence.to_owned();
    }
    if let Some(words) = whole(lang, sentence) {
        return words;
    }
    let heads = sentence.rmatch_indices(" (").filter_map(|(at, _)| Some((sentence.get(..at)?, sentence.get(at..)?)));
    let mut known = heads.filter_map(|(head, law)| Some(format!("{}{law}", whole(lang, head)?)));
    known.next().unwrap_or_else(|| sentence.to_owned())
}

/// The same of what is wrong with each field.
pub fn fields(lang: Lang, errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.into_iter().map(|one| FieldError { message: said(lang, &one.message), ..one }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_words_in_both_languages_and_finds_its_own_sentence() {
        for (form, key) in FORMS {
            assert!(Lang::Pt.knows(key) && Lang::En.knows(key), "{key}");
            let sentence = form.replace("{}", "7");
            let portuguese = said(Lang::Pt, &sentence);
            assert_ne!(portuguese, sentence);
            assert!(!portuguese.contains('{') && !portuguese.contains(key), "{portuguese}");
            assert_eq!(said(Lang::En, &sentence), sentence);
        }
    }

    #[test]
    fn gaps_are_told_with_days_as_people_write_them_and_the_law_stays() {
        let notice = "the notice is too short: a meeting that is convened now begins on 01/03/2026 14:00 or later (Regimento interno (7 dias))";
        let told = said(Lang::Pt, notice);
        assert!(told.contains("01/03/2026 14:00") && told.ends_with("(Regimento interno (7 dias))"), "{told}");
        assert_eq!(said(Lang::Pt, "expected 2026-03-31 or later"), "O dia é 31/03/2026 ou depois.");
        let twice =
            said(Lang::Pt, "the deadline stays as it is: its rule allows no extension (coordination.due: Norma)");
        assert!(twice.contains("não permite prorrogar") && twice.ends_with("(coordination.due: Norma)"), "{twice}");
        assert_eq!(said(Lang::Pt, "something else"), "something else");
    }

    #[test]
    fn what_fields_of_cases_ask_for_is_told_in_portuguese() {
        use crate::secretariat::kernel::{Types, values};
        let types = Types::load("").unwrap_or_else(|faults| panic!("{faults}"));
        let mut seen = 0;
        for kept in types.all() {
            for field in &kept.def.fields {
                // Too long for every kind, and nothing else that they take.
                let given = serde_json::Map::from_iter([(field.key().to_owned(), "\u{1}".repeat(20_000).into())]);
                let Err(errors) = values::read(&kept.def, &given, &|_| true) else { continue };
                for error in fields(Lang::Pt, errors) {
                    let message = error.message;
                    assert!(!message.contains("expected") && !message.contains(" is "), "{}: {message}", field.key());
                    seen += 1;
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }
}
