//! The link with which whoever got a message ends all that comes to that telephone or mailbox, by one press and without signing in
//! (RFC 8058). It is signed and does not run out: a letter may be found years later.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::app::App;
use crate::ids::OutboxId;
use crate::vault::{Ring, SUM_LEN};

const CONTEXT: &str = "unsubscribe";
/// What marks the address that the message went to: the row of the outbox forgets it long before the letter is thrown away.
const ADDRESS: &str = "unsubscribe address";
const ROW_LEN: usize = 8;

/// A link that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub row: OutboxId,
    mark: Vec<u8>,
}

impl Checked {
    /// Whether the message went there.
    pub fn went_to(&self, ring: &Ring, address: &str) -> bool {
        ring.has_made(ADDRESS, address.as_bytes(), &self.mark)
    }
}

/// The address for `List-Unsubscribe` of a message: `row` of the outbox, and the telephone (E.164) or mailbox that it goes to, as the
/// row has it. It answers GET with a page that changes nothing, and POST with `List-Unsubscribe=One-Click` by carrying it out.
pub fn link(app: &App, row: OutboxId, address: &str) -> String {
    format!("{}/s/{}", app.config.public_url(), make(&app.keys.service, row, address))
}

/// Letters that fit into an address.
pub fn make(ring: &Ring, row: OutboxId, address: &str) -> String {
    let mut body = row.0.to_be_bytes().to_vec();
    body.extend_from_slice(&ring.sum(ADDRESS, address.as_bytes()));
    let sum = ring.sum(CONTEXT, &body);
    URL_SAFE_NO_PAD.encode([body.as_slice(), &sum].concat())
}

/// What it stands for; `None` for what this service never signed.
pub fn check(ring: &Ring, token: &str) -> Option<Checked> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (body, sum) = bytes.split_at_checked(ROW_LEN + SUM_LEN)?;
    if !ring.has_made(CONTEXT, body, sum) {
        return None;
    }
    let row = body[..ROW_LEN].try_into().map(i64::from_be_bytes).ok()?;
    Some(Checked { row: OutboxId(row), mark: body[ROW_LEN..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;

    #[test]
    fn a_link_stands_for_its_own_message_and_cannot_be_made_up() {
        let ids = Ids::seeded(1);
        let (ring, other) = (Ring::new("service", &[], &ids), Ring::new("service", &[[7; 32]], &ids));
        let token = make(&ring, OutboxId(42), "ana@exemplo.br");
        let checked = check(&ring, &token).unwrap();
        assert_eq!(checked.row, OutboxId(42));
        assert!(checked.went_to(&ring, "ana@exemplo.br") && !checked.went_to(&ring, "bia@exemplo.br"));
        assert_eq!(check(&other, &token), None);
        for at in 0..ROW_LEN + SUM_LEN + SUM_LEN {
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            bytes[at] ^= 1;
            assert_eq!(check(&ring, &URL_SAFE_NO_PAD.encode(bytes)), None, "byte {at}");
        }
        for wrong in ["", "x", "é", &token[..30]] {
            assert_eq!(check(&ring, wrong), None, "{wrong:?}");
        }
    }
}
