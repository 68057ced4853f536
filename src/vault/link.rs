//! The secret part of an address: which thing it stands for, signed, so that no other can be made up. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::Ring;

const ID_LEN: usize = 16;

/// What addresses of one kind stand for. One of another kind is none of them.
#[derive(Clone, Copy, Debug)]
pub struct Link(&'static str);

impl Link {
    pub const fn new(context: &'static str) -> Self {
        Self(context)
    }

    /// Letters that fit into an address.
    pub fn make(self, ring: &Ring, id: Uuid) -> String {
        let id = id.as_bytes();
        URL_SAFE_NO_PAD.encode([&id[..], &ring.sum(self.0, id)].concat())
    }

    /// What it stands for; `None` for what this service never signed.
    pub fn check(self, ring: &Ring, token: &str) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (id, sum) = bytes.split_at_checked(ID_LEN)?;
        if !ring.has_made(self.0, id, sum) {
            return None;
        }
        Uuid::from_slice(id).ok()
    }
}
