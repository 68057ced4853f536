//! Who delivers, as the configuration names them.

use serde::{Deserialize, Serialize};

use crate::config::{Config, SmppProvider};

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
    Smpp(SmppProvider),
    Smtp,
    Sink,
}

/// One provider of one channel.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Unique; the word in `outbox.provider`.
    pub name: String,
    pub channel: Channel,
    /// Position in the configuration, from 0: a later provider works only while no earlier one is healthy.
    pub place: i32,
    pub transport: Transport,
    /// Unanswered messages at most.
    pub window: usize,
    pub messages_per_second: u32,
}

/// Every provider, with the sink for a channel that has none.
pub fn providers(config: &Config) -> Vec<Provider> {
    let mut all: Vec<Provider> = (0..).zip(&config.sms.smpp).map(|(place, smpp)| smpp_provider(place, smpp)).collect();
    if all.is_empty() {
        all.push(sink(Channel::Sms));
    }
    if config.mail.url.is_empty() {
        all.push(sink(Channel::Email));
    } else {
        all.push(Provider {
            name: "smtp".to_owned(),
            channel: Channel::Email,
            place: 0,
            transport: Transport::Smtp,
            window: config.mail.concurrency as usize,
            messages_per_second: config.mail.messages_per_second,
        });
    }
    all
}

fn smpp_provider(place: i32, smpp: &SmppProvider) -> Provider {
    Provider {
        name: format!("smpp:{}", smpp.name),
        channel: Channel::Sms,
        place,
        transport: Transport::Smpp(smpp.clone()),
        window: smpp.window as usize,
        messages_per_second: smpp.messages_per_second,
    }
}

fn sink(channel: Channel) -> Provider {
    Provider {
        name: format!("sink:{}", channel.as_str()),
        channel,
        place: 0,
        transport: Transport::Sink,
        window: usize::MAX,
        messages_per_second: u32::MAX,
    }
}
