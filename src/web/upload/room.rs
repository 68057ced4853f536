//! How much of forms may be under way: bytes of files as they came, of everybody and of one address, and forms of one address.
//! Whoever finds no room waits some seconds for it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::web::client::neighbourhood;

/// Bounds, and what is taken of them.
#[derive(Debug)]
pub struct Room {
    most_bytes: usize,
    most_bytes_of_one: usize,
    most_forms_of_one: usize,
    /// How long somebody waits for room.
    patience: Duration,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug)]
struct Taken {
    bytes: usize,
    of: BTreeMap<Option<IpAddr>, One>,
}

#[derive(Debug, Default)]
struct One {
    forms: usize,
    bytes: usize,
}

/// There was no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Room {
    /// Bytes of all, and bytes and forms of one address.
    pub const fn new(
        most_bytes: usize,
        (most_bytes_of_one, most_forms_of_one): (usize, usize),
        patience: Duration,
    ) -> Self {
        let taken = Mutex::new(Taken { bytes: 0, of: BTreeMap::new() });
        Self { most_bytes, most_bytes_of_one, most_forms_of_one, patience, taken, freed: Notify::const_new() }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for one more form of this address.
    ///
    /// # Errors
    /// When there was none for some seconds.
    pub async fn enter(&self, address: Option<IpAddr>) -> Result<Place<'_>, Full> {
        let address = address.map(neighbourhood);
        self.wait_for(|taken| {
            let one = taken.of.entry(address).or_default();
            let fits = one.forms < self.most_forms_of_one;
            one.forms += usize::from(fits);
            fits
        })
        .await?;
        Ok(Place { room: self, address, bytes: 0 })
    }

    async fn wait_for(&self, mut take: impl FnMut(&mut Taken) -> bool) -> Result<(), Full> {
        let trying = async {
            loop {
                // Made before looking, so that nothing that is freed in between is missed.
                let freed = self.freed.notified();
                if take(&mut self.lock()) {
                    return;
                }
                freed.await;
            }
        };
        tokio::time::timeout(self.patience, trying).await.map_err(|_| Full)
    }
}

/// The room that one form has. Ends with it.
#[derive(Debug)]
pub struct Place<'a> {
    room: &'a Room,
    address: Option<IpAddr>,
    bytes: usize,
}

impl Place<'_> {
    /// Room for so many more bytes.
    ///
    /// # Errors
    /// When there was none for some seconds; what it has it keeps.
    pub async fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        let (room, address) = (self.room, self.address);
        room.wait_for(|taken| {
            let one = taken.of.entry(address).or_default();
            let fits = taken.bytes + bytes <= room.most_bytes && one.bytes + bytes <= room.most_bytes_of_one;
            if fits {
                one.bytes += bytes;
                taken.bytes += bytes;
            }
            fits
        })
        .await?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives the bytes back: the file is developed, or dropped.
    pub fn shrink(&mut self) {
        let mut taken = self.room.lock();
        taken.bytes -= self.bytes;
        if let Some(one) = taken.of.get_mut(&self.address) {
            one.bytes -= self.bytes;
        }
        drop(taken);
        self.bytes = 0;
        self.room.freed.notify_waiters();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shrink();
        let mut taken = self.room.lock();
        if let Some(one) = taken.of.get_mut(&self.address) {
            one.forms -= 1;
            if one.forms == 0 {
                taken.of.remove(&self.address);
            }
        }
        drop(taken);
        self.room.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([203, 0, 113, last]))
    }

    #[tokio::test]
    async fn one_address_has_its_share_and_leaves_the_others_theirs() {
        let room = Room::new(10, (6, 2), Duration::ZERO);
        let mut first = room.enter(address(1)).await.unwrap();
        let mut second = room.enter(address(1)).await.unwrap();
        assert_eq!(room.enter(address(1)).await.unwrap_err(), Full);
        first.grow(4).await.unwrap();
        assert_eq!(second.grow(4).await, Err(Full), "six of one address");
        let mut other = room.enter(address(2)).await.unwrap();
        other.grow(6).await.unwrap();
        let mut third = room.enter(address(3)).await.unwrap();
        assert_eq!(third.grow(1).await, Err(Full), "ten of all");
        drop(first);
        third.grow(4).await.unwrap();
        drop((second, other, third));
        let taken = room.lock();
        assert!(taken.bytes == 0 && taken.of.is_empty(), "{taken:?}");
    }

    #[tokio::test]
    async fn whoever_waits_goes_on_when_room_is_given_back() {
        let room = Room::new(10, (10, 2), Duration::from_secs(60));
        let (mut first, mut second) = (room.enter(None).await.unwrap(), room.enter(None).await.unwrap());
        first.grow(10).await.unwrap();
        let (waited, ()) = tokio::join!(second.grow(3), async { first.shrink() });
        assert_eq!(waited, Ok(()));
    }
}
