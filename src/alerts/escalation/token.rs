//! The link in a page: which page it was, signed, so that nobody acknowledges who was not paged. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::vault::Ring;

const CONTEXT: &str = "alert page";
const ID_LEN: usize = 16;

/// Letters that fit into an address.
pub fn make(ring: &Ring, page: Uuid) -> String {
    let id = page.as_bytes();
    URL_SAFE_NO_PAD.encode([&id[..], &ring.sum(CONTEXT, id)].concat())
}

/// The page that it stands for; `None` for what this service never signed.
pub fn check(ring: &Ring, token: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, sum) = bytes.split_at_checked(ID_LEN)?;
    if !ring.has_made(CONTEXT, id, sum) {
        return None;
    }
    Uuid::from_slice(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;

    #[test]
    fn a_link_stands_for_its_own_page_and_cannot_be_made_up() {
        let ids = Ids::seeded(1);
        let (ring, other) = (Ring::new("service", &[], &ids), Ring::new("service", &[[7; 32]], &ids));
        let page = Uuid::from_u128(42);
        let token = make(&ring, page);
        assert_eq!(check(&ring, &token), Some(page));
        assert_eq!(check(&other, &token), None);
        for at in 0..32 {
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            bytes[at] ^= 1;
            assert_eq!(check(&ring, &URL_SAFE_NO_PAD.encode(bytes)), None, "byte {at}");
        }
        for wrong in ["", "x", "é", &token[..20]] {
            assert_eq!(check(&ring, wrong), None, "{wrong:?}");
        }
    }
}
