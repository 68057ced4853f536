//! The account of an alert's delivery when it is over: counted from the rows, frozen, and attached to the alert.

use serde::{Deserialize, Serialize};

use super::outbox::Counts;
use super::provider::{Provider, Transport};
use super::store::control::Acted;
use super::tally::{Cause, Group, Times};
use super::unreached::Area;
use crate::clock::Instant;
use crate::ids::AlertId;

/// What providers ask for a segment and how they write letters with accents, as they are configured when the accounts are closed.
#[derive(Clone, Copy, Debug)]
pub struct Tariff<'a> {
    pub providers: &'a [Provider],
    /// Of a provider that is configured no more.
    pub otherwise_centavos: u32,
}

impl Tariff<'_> {
    fn of(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    /// Whether it carries the Portuguese table, which takes fewer segments than sixteen bits.
    pub fn is_national(&self, name: &str) -> bool {
        self.of(name).is_some_and(|provider| provider.is_national)
    }

    pub fn segment_centavos(&self, name: &str) -> u32 {
        let asked = self.of(name).filter(|provider| !matches!(provider.transport, Transport::Sink));
        asked.map_or(self.otherwise_centavos, |provider| provider.segment_centavos)
    }
}

/// SMS that left, of one provider and language: as many segments as the text has there, at that provider's price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeliveryCost)]
pub struct Cost {
    pub provider: String,
    pub language: String,
    /// Messages that a provider took or may have taken, repeats with them.
    pub messages: i64,
    /// Segments of one message.
    pub segments: i64,
    pub centavos: i64,
}

/// The report. What it holds stays as it was, whatever the service calls things later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub alert_id: AlertId,
    pub number: String,
    pub kind: String,
    pub level: String,
    pub status: String,
    pub headline: String,
    /// When the audience was found and its messages were written.
    pub left_at: Instant,
    pub expires_at: Instant,
    pub frozen_at: Instant,
    /// Rows that were promised when it left, and rows that are there.
    pub promised: i64,
    pub found: i64,
    /// Whether what was counted while it ran says the same as the rows.
    pub counts_agree: bool,
    pub totals: Counts,
    pub by_channel: Vec<Group>,
    pub by_provider: Vec<Group>,
    pub by_area: Vec<Group>,
    pub by_grade: Vec<Group>,
    pub failures: Vec<Cause>,
    pub suppressed: Vec<Cause>,
    /// Messages that were sent again because nobody knew whether the copy before had left.
    pub repeats: i64,
    pub times: Times,
    pub costs: Vec<Cost>,
    pub unreached: Vec<Area>,
    pub acts: Vec<Acted>,
}

impl Report {
    pub const fn balances(&self) -> bool {
        self.promised == self.found && self.counts_agree
    }

    pub fn centavos(&self) -> i64 {
        self.costs.iter().map(|cost| cost.centavos).sum()
    }

    pub fn residents(&self) -> i64 {
        self.unreached.iter().map(|area| area.residents).sum()
    }

    pub fn residents_unreached(&self) -> i64 {
        self.unreached.iter().map(|area| area.unreached).sum()
    }

    /// For somebody who may not see residents (`unreached::Unreached::for_the_many`).
    #[must_use]
    pub fn for_the_many(self) -> Self {
        let all = super::unreached::Unreached {
            at: self.frozen_at,
            areas: self.unreached,
            squares: Vec::new(),
            scattered: Default::default(),
        };
        Self { unreached: all.for_the_many().areas, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, SmppProvider};
    use crate::dispatch::provider::providers;
    use crate::dispatch::sms_text::measure_with;

    fn defaults() -> Config {
        let nothing = config::Environment::with_prefix("SENTINELA").source(Some(std::collections::HashMap::new()));
        Config::layered(None, nothing).unwrap()
    }

    #[test]
    fn each_provider_counts_with_its_own_price_and_its_own_alphabet() {
        let mut config = defaults();
        config.dispatch.sms_segment_centavos = 8;
        let national = SmppProvider {
            name: "a".into(),
            national_shift: true,
            segment_centavos: Some(5),
            ..SmppProvider::default()
        };
        config.sms.smpp = vec![national, SmppProvider { name: "b".into(), ..SmppProvider::default() }];
        config.sms.http = Vec::new();
        let all = providers(&config);
        let tariff = Tariff { providers: &all, otherwise_centavos: 8 };
        let text = "Atenção: chuva forte na região. Não fique em área de risco, procure o abrigo da escola.";
        let segments = |name| measure_with(text, tariff.is_national(name)).segments;
        assert_eq!((segments("smpp:a"), segments("smpp:b")), (1, 2), "{}", text.chars().count());
        let prices = ["smpp:a", "smpp:b", "smpp:gone", ""].map(|name| tariff.segment_centavos(name));
        assert_eq!(prices, [5, 8, 8, 8]);
        let none = providers(&defaults());
        assert_eq!(Tariff { providers: &none, otherwise_centavos: 8 }.segment_centavos("sink:sms"), 8);
    }
}
