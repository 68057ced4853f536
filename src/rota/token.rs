//! The secret part of a calendar's address: which calendar it is, signed, so that no other can be made up. Pure.

use crate::vault::link::Link;

pub const LINK: Link = Link::new("rota calendar");

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::alerts::escalation::token as page;
    use crate::ids::Ids;
    use crate::vault::Ring;

    #[test]
    fn an_address_stands_for_its_own_calendar_and_for_nothing_else() {
        let ring = Ring::new("service", &[], &Ids::seeded(1));
        let calendar = Uuid::from_u128(42);
        let token = LINK.make(&ring, calendar);
        assert_eq!(LINK.check(&ring, &token), Some(calendar));
        assert_eq!(page::LINK.check(&ring, &token), None, "no page can be answered with it");
        assert_eq!(LINK.check(&ring, &page::LINK.make(&ring, calendar)), None);
        assert_eq!(LINK.check(&ring, &token[1..]), None);
    }
}
