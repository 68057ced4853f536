//! The audit: who did what, when, from where, why, and what it changed. Append-only and hash-chained.
//!
//! - An act and its event are one transaction: `record` takes the connection of the act.
//! - The chain is built by the database when the transaction commits, so events lie in commit order.
//! - No telephone, e-mail address or name of a resident is ever written here: of residents the names of the changed fields.

pub mod acts;
pub mod anchors;
pub mod chain;
pub mod check;
pub mod keeper;
pub mod search;
pub mod store;
pub mod verify;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::units::vocabulary;

pub use acts::Act;
pub use store::record;

vocabulary! {
    /// Who acts.
    ActorKind, "kind of actor" {
        Staff = "staff",
        Device = "device",
        Resident = "resident",
        Rule = "rule",
        Service = "service",
        /// Somebody at the machine's own command line.
        Command = "command",
        Anonymous = "anonymous",
    }
}

vocabulary! {
    /// The door an act came through.
    Via, "way in" {
        Console = "console",
        Api = "api",
        Command = "command",
        Mqtt = "mqtt",
        Service = "service",
        Public = "public",
    }
}

/// Who acts, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    /// User name, device code, rule, or a resident's id. Never an address.
    pub name: String,
    pub id: Option<Uuid>,
    pub via: Via,
    pub address: Option<IpAddr>,
}

impl Actor {
    /// The service itself, by its own clock.
    pub fn service() -> Self {
        Self { kind: ActorKind::Service, name: "service".into(), id: None, via: Via::Service, address: None }
    }

    /// A rule or a policy that acts by itself.
    pub fn rule(name: &str) -> Self {
        Self { kind: ActorKind::Rule, name: name.to_owned(), id: None, via: Via::Service, address: None }
    }

    /// Whoever runs a command on the machine.
    pub fn command() -> Self {
        let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|key| std::env::var(key).ok());
        let name = name.unwrap_or_else(|| "command".into());
        Self { kind: ActorKind::Command, name, id: None, via: Via::Command, address: None }
    }

    /// Somebody who is not signed in.
    pub fn anonymous(address: Option<IpAddr>) -> Self {
        Self { kind: ActorKind::Anonymous, name: "anonymous".into(), id: None, via: Via::Public, address }
    }
}

/// What was done. Built with the methods, so that a call reads as a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub act: Act,
    /// Noun of the table or thing: "alert", "staff", "device".
    pub object_kind: &'static str,
    /// Its id or code.
    pub object: String,
    pub reason: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl Entry {
    pub fn new(act: Act, object_kind: &'static str, object: impl ToString) -> Self {
        let object = object.to_string();
        Self { act, object_kind, object, reason: String::new(), before: None, after: None }
    }

    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = reason.to_owned();
        self
    }

    #[must_use]
    pub fn from(mut self, before: Value) -> Self {
        self.before = Some(before);
        self
    }

    #[must_use]
    pub fn to(mut self, after: Value) -> Self {
        self.after = Some(after);
        self
    }
}
