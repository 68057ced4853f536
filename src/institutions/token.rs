//! The link in a message to a contact: which message it was, signed. Pure.

use crate::vault::link::Link;

pub const LINK: Link = Link::new("institution message");
