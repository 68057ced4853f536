//! The norms of federal transfers, each of the instruments that were signed while it was in force. Pure.

use chrono::NaiveDate;

use crate::secretariat::kernel::instrument::release::Laws;

/// A norm with what of it is cited.
#[derive(Debug)]
pub struct Norm {
    pub name: &'static str,
    /// Of money that goes out.
    pub laws: Laws,
    /// First day of signing; none: from ever.
    from: Option<NaiveDate>,
}

macro_rules! norm {
    ($decree:literal, $name:literal, $from:expr) => {
        Norm {
            name: $name,
            laws: Laws {
                published: concat!($decree, "; ", $name, " (publicação do extrato)"),
                term: concat!($name, " (vigência)"),
                accounts: concat!($name, " (prestação de contas); LC 101/2000, art. 25, §1º, IV, a"),
                amount: concat!($name, " (valor pactuado)"),
                schedule: concat!($name, " (cronograma de desembolso)"),
                held: concat!($name, " (retenção)"),
                codes: &[super::life::ACCOUNTS],
            },
            from: $from,
        }
    };
}

/// The newest first, as the rules of deadlines of `config/secretariat/deadlines.toml` have them.
static NORMS: [Norm; 3] = [
    norm!("Decreto 11.531/2023", "Portaria Conjunta MGI/MF/CGU 33/2023", NaiveDate::from_ymd_opt(2023, 9, 1)),
    norm!("Decreto 6.170/2007", "Portaria Interministerial MP/MF/CGU 424/2016", NaiveDate::from_ymd_opt(2017, 1, 2)),
    norm!("Decreto 6.170/2007", "Portarias Interministeriais 127/2008 e 507/2011", None),
];

/// The one that governs what is governed by the norm of this day.
pub fn of(day: NaiveDate) -> &'static Norm {
    let [newest, rest @ ..] = &NORMS;
    let holds = |norm: &&Norm| norm.from.is_none_or(|first| first <= day);
    [newest].into_iter().chain(rest).find(holds).unwrap_or(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlines::rule::{self, Rules};

    #[test]
    fn the_norm_changes_by_the_day_and_is_that_of_the_deadlines() {
        let rules = Rules { shipped: rule::shipped().unwrap(), local: Vec::new() };
        for (on, number) in [
            ("2010-05-03", "507/2011"),
            ("2017-01-01", "507/2011"),
            ("2017-01-02", "424/2016"),
            ("2023-08-31", "424/2016"),
            ("2023-09-01", "33/2023"),
            ("2026-03-02", "33/2023"),
        ] {
            let day = on.parse().unwrap();
            let norm = of(day);
            assert!(norm.name.contains(number), "{on}: {}", norm.name);
            let laws = [norm.laws.published, norm.laws.term, norm.laws.accounts, norm.laws.amount, norm.laws.schedule];
            assert!(laws.iter().all(|law| law.contains(norm.name)) && norm.laws.held.contains(norm.name), "{on}");
            let rule = rules.choose("funding.accounts", day).unwrap();
            assert!(rule.law_ref.contains(number), "{on}: {}", rule.law_ref);
        }
    }
}
