//! Who delivers, as the configuration names them, in what order, at what pace and price.

use serde::{Deserialize, Serialize};

use crate::config::{Config, HttpProvider, RateCounts, SmppProvider};

/// Column `outbox.channel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Sms,
    Email,
}

impl Channel {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

#[derive(Clone, Debug)]
pub enum Transport {
    Smpp(Box<SmppProvider>),
    Http(Box<HttpProvider>),
    Smtp,
    Sink,
}

/// One provider of one channel.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Unique; the word in `outbox.provider`.
    pub name: String,
    pub channel: Channel,
    /// Smaller is asked first: a provider rests while one of a smaller number is healthy. Equal ones share the work.
    pub priority: i32,
    pub transport: Transport,
    /// Unanswered messages at most.
    pub window: usize,
    pub messages_per_second: u32,
    /// Whether a long text counts as its segments in window and rate.
    pub counts_segments: bool,
    pub segment_centavos: u32,
    /// It carries the Portuguese table of GSM 7-bit.
    pub is_national: bool,
}

/// Every provider, with the sink for a channel that has none.
pub fn providers(config: &Config) -> Vec<Provider> {
    let price = config.dispatch.sms_segment_centavos;
    let smpp = config.sms.smpp.iter().map(|smpp| smpp_provider(smpp, price));
    let http = config.sms.http.iter().map(|http| http_provider(http, price));
    let mut all: Vec<Provider> = Vec::new();
    for (place, (mut provider, priority)) in (0..).zip(smpp.chain(http)) {
        // Without priorities the file's order is the order.
        provider.priority = priority.map_or(place, i32::from);
        all.push(provider);
    }
    if all.is_empty() {
        all.push(sink(Channel::Sms));
    }
    if config.mail.url.is_empty() {
        all.push(sink(Channel::Email));
    } else {
        let (window, rate) = (config.mail.concurrency as usize, config.mail.messages_per_second);
        all.push(Provider {
            name: "smtp".to_owned(),
            transport: Transport::Smtp,
            ..plain(Channel::Email, window, rate)
        });
    }
    all
}

/// The name of the gateway `name` in the accounts.
pub fn http_name(name: &str) -> String {
    format!("http:{name}")
}

fn smpp_provider(smpp: &SmppProvider, price: u32) -> (Provider, Option<u16>) {
    let provider = Provider {
        name: format!("smpp:{}", smpp.name),
        transport: Transport::Smpp(Box::new(smpp.clone())),
        segment_centavos: smpp.segment_centavos.unwrap_or(price),
        is_national: smpp.national_shift,
        ..plain(Channel::Sms, smpp.window as usize, smpp.messages_per_second)
    };
    (provider, smpp.priority)
}

fn http_provider(http: &HttpProvider, price: u32) -> (Provider, Option<u16>) {
    let provider = Provider {
        name: http_name(&http.name),
        transport: Transport::Http(Box::new(http.clone())),
        counts_segments: http.rate_counts == RateCounts::Segments,
        segment_centavos: http.segment_centavos.unwrap_or(price),
        ..plain(Channel::Sms, http.window as usize, http.messages_per_second)
    };
    (provider, http.priority)
}

fn sink(channel: Channel) -> Provider {
    Provider { name: format!("sink:{}", channel.as_str()), ..plain(channel, usize::MAX, u32::MAX) }
}

const fn plain(channel: Channel, window: usize, messages_per_second: u32) -> Provider {
    Provider {
        name: String::new(),
        channel,
        priority: 0,
        transport: Transport::Sink,
        window,
        messages_per_second,
        counts_segments: true,
        segment_centavos: 0,
        is_national: false,
    }
}

/// The SMS providers that work together: those of one priority.
#[derive(Clone, Debug)]
pub struct Tier(Vec<Provider>);

impl Tier {
    /// The tier of this priority, or the first one. Without providers it is the sink, which takes no time.
    pub fn of(config: &Config, priority: Option<i32>) -> Self {
        let sms: Vec<Provider> = providers(config).into_iter().filter(|p| p.channel == Channel::Sms).collect();
        let first = sms.iter().map(|p| p.priority).min().unwrap_or_default();
        let wanted = priority.filter(|wanted| sms.iter().any(|p| p.priority == *wanted)).unwrap_or(first);
        Self(sms.into_iter().filter(|p| p.priority == wanted).collect())
    }

    /// Messages of so many segments a second, all together; `None` for the sink.
    pub fn messages_per_second(&self, segments: usize) -> Option<f64> {
        let segments = segments.max(1) as f64;
        let pace = |provider: &Provider| match provider.transport {
            Transport::Sink => None,
            _ if provider.counts_segments => Some(f64::from(provider.messages_per_second) / segments),
            _ => Some(f64::from(provider.messages_per_second)),
        };
        self.0.iter().map(pace).try_fold(0.0, |sum, pace| Some(sum + pace?))
    }

    /// Expected price of so many messages, in centavos: each provider carries its share of the pace.
    pub fn centavos(&self, messages: i64, segments: usize, usual: u32) -> i64 {
        let of_each = messages.saturating_mul(i64::try_from(segments).unwrap_or(i64::MAX));
        let paid: Vec<&Provider> = self.0.iter().filter(|p| !matches!(p.transport, Transport::Sink)).collect();
        let pace: i64 = paid.iter().map(|p| i64::from(p.messages_per_second)).sum();
        if pace == 0 {
            return of_each.saturating_mul(usual.into());
        }
        let weighed: i64 = paid.iter().map(|p| i64::from(p.messages_per_second) * i64::from(p.segment_centavos)).sum();
        i64::try_from(i128::from(of_each) * i128::from(weighed) / i128::from(pace)).unwrap_or(i64::MAX)
    }

    /// Whether all of them carry the Portuguese table.
    pub fn is_national(&self) -> bool {
        self.0.iter().all(|provider| provider.is_national)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn config(centres: &[(u32, u16, u32)]) -> Config {
        let nothing = config::Environment::with_prefix("SENTINELA").source(Some(HashMap::new()));
        let mut config = Config::layered(None, nothing).unwrap();
        config.sms.smpp = centres
            .iter()
            .map(|(rate, priority, price)| SmppProvider {
                name: format!("{rate}-{priority}"),
                messages_per_second: *rate,
                priority: Some(*priority),
                segment_centavos: Some(*price),
                ..SmppProvider::default()
            })
            .collect();
        config
    }

    #[test]
    fn equal_priorities_add_up_and_the_next_counts_only_when_it_is_its_turn() {
        let config = config(&[(100, 1, 8), (50, 1, 5), (10, 2, 30)]);
        let first = Tier::of(&config, None);
        assert_eq!(first.messages_per_second(1), Some(150.0));
        assert_eq!(first.messages_per_second(3), Some(50.0));
        // 1,500 segments: 1,000 at 8 and 500 at 5 centavos.
        assert_eq!(first.centavos(1500, 1, 99), 10_500);
        let second = Tier::of(&config, Some(2));
        assert_eq!((second.messages_per_second(1), second.centavos(10, 2, 99)), (Some(10.0), 600));
        assert_eq!(Tier::of(&config, Some(7)).messages_per_second(1), Some(150.0));
    }

    #[test]
    fn without_priorities_the_order_of_the_file_is_the_order() {
        let mut config = config(&[(100, 1, 8), (50, 1, 5)]);
        config.sms.smpp.iter_mut().for_each(|centre| centre.priority = None);
        let places: Vec<i32> =
            providers(&config).iter().filter(|p| p.channel == Channel::Sms).map(|p| p.priority).collect();
        assert_eq!(places, [0, 1]);
    }

    #[test]
    fn the_sink_takes_no_time_and_shows_the_usual_price() {
        let tier = Tier::of(&config(&[]), None);
        assert_eq!((tier.messages_per_second(2), tier.centavos(10, 2, 8)), (None, 160));
    }
}
