//! `sentinela doctor`: what an installation needs, held against what is there. Each check is a pure function over facts that
//! `cli::doctor` gathered; what it says and what to do next stand in the text files, in both languages.

pub mod database;
pub mod machine;
pub mod reach;
pub mod store;
pub mod town;

use serde::{Deserialize, Serialize};

use crate::i18n::Lang;
use crate::units::vocabulary;

vocabulary! {
    /// How grave a finding is.
    Verdict, "verdict" {
        Fine = "ok",
        /// It works, and somebody should look at it.
        Warning = "warning",
        /// Something does not work, or will not when it is needed.
        Failure = "failure",
    }
}

vocabulary! {
    /// What is said. The text key is `doctor-` and the word; `-do` after it is the next step.
    Said, "finding of the doctor" {
        ConfigFine = "config-fine",
        ConfigDefaults = "config-defaults",
        ConfigOpen = "config-open",
        ConfigWrong = "config-wrong",
        DemoNotice = "demo-notice",
        DataDirFine = "data-dir-fine",
        DataDirMissing = "data-dir-missing",
        DataDirForeign = "data-dir-foreign",
        DataDirOpen = "data-dir-open",
        SpaceShort = "space-short",
        SpaceUnknown = "space-unknown",
        GrowthFine = "growth-fine",
        GrowthShort = "growth-short",
        MemoryFine = "memory-fine",
        MemoryShort = "memory-short",
        ClockFine = "clock-fine",
        ClockFree = "clock-free",
        ClockUnknown = "clock-unknown",
        ClocksAgree = "clocks-agree",
        ClocksDiffer = "clocks-differ",
        PortFree = "port-free",
        PortOurs = "port-ours",
        PortTaken = "port-taken",
        PortDenied = "port-denied",
        CertificateFine = "certificate-fine",
        CertificateSoon = "certificate-soon",
        CertificateEnded = "certificate-ended",
        CertificateWrong = "certificate-wrong",
        DatabaseNone = "database-none",
        DatabaseAway = "database-away",
        DatabaseFine = "database-fine",
        DatabaseOld = "database-old",
        PostgisFine = "postgis-fine",
        PostgisMissing = "postgis-missing",
        SchemaCurrent = "schema-current",
        SchemaBehind = "schema-behind",
        SchemaAhead = "schema-ahead",
        SchemaBroken = "schema-broken",
        RoleFine = "role-fine",
        RoleMissing = "role-missing",
        RoleWide = "role-wide",
        ZoneFine = "zone-fine",
        ZoneUnknown = "zone-unknown",
        KeysFine = "keys-fine",
        KeysNone = "keys-none",
        KeysWrong = "keys-wrong",
        AuditFine = "audit-fine",
        AuditEmpty = "audit-empty",
        AuditUnnoted = "audit-unnoted",
        AuditWrong = "audit-wrong",
        CursorFine = "cursor-fine",
        CursorBehind = "cursor-behind",
        OutboxFine = "outbox-fine",
        OutboxLate = "outbox-late",
        TimersFine = "timers-fine",
        TimersLate = "timers-late",
        NodesFine = "nodes-fine",
        RoleGone = "role-gone",
        Held = "held",
        HeldUnproved = "held-unproved",
        AreasFine = "areas-fine",
        AreasNone = "areas-none",
        RulesFine = "rules-fine",
        RulesNone = "rules-none",
        StationsFine = "stations-fine",
        StationsNone = "stations-none",
        StationsSilent = "stations-silent",
        ApproversFine = "approvers-fine",
        ApproversNone = "approvers-none",
        ApproversAlone = "approvers-alone",
        RotaFine = "rota-fine",
        RotaNone = "rota-none",
        RotaGap = "rota-gap",
        BackupFine = "backup-fine",
        BackupOld = "backup-old",
        BackupNone = "backup-none",
        BeatFine = "beat-fine",
        BeatNone = "beat-none",
        UrlFine = "url-fine",
        UrlEmpty = "url-empty",
        UrlPlain = "url-plain",
        UrlUnproxied = "url-unproxied",
        SmsNone = "sms-none",
        MailNone = "mail-none",
        PeerFine = "peer-fine",
        PeerWrong = "peer-wrong",
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub verdict: Verdict,
    pub said: Said,
    pub values: Vec<(&'static str, String)>,
}

impl Finding {
    pub const fn fine(said: Said) -> Self {
        Self { verdict: Verdict::Fine, said, values: Vec::new() }
    }

    pub const fn warning(said: Said) -> Self {
        Self { verdict: Verdict::Warning, said, values: Vec::new() }
    }

    pub const fn failure(said: Said) -> Self {
        Self { verdict: Verdict::Failure, said, values: Vec::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// The sentence.
    pub fn text(&self, lang: Lang) -> String {
        lang.tn(&format!("doctor-{}", self.said), &self.values)
    }

    /// What to do about it; `None` of what is fine.
    pub fn next(&self, lang: Lang) -> Option<String> {
        let key = format!("doctor-{}-do", self.said);
        (self.verdict != Verdict::Fine && lang.knows(&key)).then(|| lang.tn(&key, &self.values))
    }
}

/// The section of docs/runbook.md about a finding that is not fine.
pub fn section(said: Said) -> String {
    format!("doctor-{said}")
}

/// The exit code of a report: 0 all fine, 1 something to look at, 2 something that does not work.
pub fn exit_code(findings: &[Finding]) -> u8 {
    match findings.iter().map(|finding| finding.verdict).max() {
        None | Some(Verdict::Fine) => 0,
        Some(Verdict::Warning) => 1,
        Some(Verdict::Failure) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_it_may_say_has_words_in_both_languages_and_a_next_step_unless_it_is_fine() {
        for said in Said::ALL {
            for lang in [Lang::Pt, Lang::En] {
                let key = format!("doctor-{said}");
                assert!(lang.knows(&key), "{key} in {}", lang.tag());
            }
            let next = format!("doctor-{said}-do");
            assert_eq!(Lang::Pt.knows(&next), Lang::En.knows(&next), "{next}");
        }
        let fine = ["-fine", "-empty", "-current", "-free", "-ours", "-agree", "-defaults"];
        let told = Said::ALL.iter().filter(|said| !fine.iter().any(|end| said.as_str().ends_with(end)));
        for said in told {
            assert!(Lang::Pt.knows(&format!("doctor-{said}-do")), "doctor-{said}-do");
        }
        for said in [Said::ClockFree, Said::UrlEmpty] {
            assert!(Lang::Pt.knows(&format!("doctor-{said}-do")), "doctor-{said}-do");
        }
    }

    #[test]
    fn whatever_may_be_wrong_has_its_section_in_the_runbook() {
        let runbook = include_str!("../../docs/runbook.md");
        let anchor = |said: Said| format!("<a id=\"{}\"></a>**{said}**", section(said));
        let (wrong, fine): (Vec<Said>, Vec<Said>) =
            Said::ALL.iter().copied().partition(|said| Lang::Pt.knows(&format!("doctor-{said}-do")));
        assert!(wrong.len() > 50, "{}", wrong.len());
        for said in wrong {
            assert_eq!(runbook.matches(&anchor(said)).count(), 1, "{}", anchor(said));
        }
        for said in fine {
            assert!(!runbook.contains(&anchor(said)), "{said} is fine and needs no section");
        }
        let sections = runbook.matches("<a id=\"doctor-").count();
        let known = Said::ALL.iter().filter(|said| runbook.contains(&anchor(**said))).count();
        assert_eq!(sections, known, "a section of a finding that there is no more");
    }

    #[test]
    fn the_gravest_finding_is_the_exit_code() {
        let [fine, warning, failure] =
            [Finding::fine(Said::UrlFine), Finding::warning(Said::RotaNone), Finding::failure(Said::Held)];
        assert_eq!(exit_code(&[]), 0);
        assert_eq!(exit_code(std::slice::from_ref(&fine)), 0);
        assert_eq!(exit_code(&[warning.clone(), fine]), 1);
        assert_eq!(exit_code(&[failure, warning]), 2);
    }
}
