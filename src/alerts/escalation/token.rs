//! The link in a page: which page it was, signed, so that nobody acknowledges who was not paged. Pure.

use crate::vault::link::Link;

pub const LINK: Link = Link::new("alert page");

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use uuid::Uuid;

    use super::*;
    use crate::ids::Ids;
    use crate::vault::Ring;

    #[test]
    fn a_link_stands_for_its_own_page_and_cannot_be_made_up() {
        let ids = Ids::seeded(1);
        let (ring, other) = (Ring::new("service", &[], &ids), Ring::new("service", &[[7; 32]], &ids));
        let page = Uuid::from_u128(42);
        let token = LINK.make(&ring, page);
        assert_eq!(LINK.check(&ring, &token), Some(page));
        assert_eq!(LINK.check(&other, &token), None);
        for at in 0..32 {
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            bytes[at] ^= 1;
            assert_eq!(LINK.check(&ring, &URL_SAFE_NO_PAD.encode(bytes)), None, "byte {at}");
        }
        for wrong in ["", "x", "é", &token[..20]] {
            assert_eq!(LINK.check(&ring, wrong), None, "{wrong:?}");
        }
    }
}
