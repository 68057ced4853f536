//! How many may be connected: all together, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::web::client::{is_in, neighbourhood};

/// Counts who is inside.
#[derive(Clone, Debug)]
pub struct Crowd(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Of the counter of those refused.
    metric: &'static str,
    room: Arc<Semaphore>,
    of_one: usize,
    /// They speak for many, and count the connections of each themselves.
    proxies: Vec<IpNet>,
    inside: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place, free again when dropped.
#[derive(Debug)]
pub struct Place {
    crowd: Crowd,
    address: Option<IpAddr>,
    _room: OwnedSemaphorePermit,
}

impl Crowd {
    /// Room for `all` together and for `of_one` address. `metric` counts those for whom there was none.
    pub fn new(metric: &'static str, all: usize, of_one: usize, proxies: Vec<IpNet>) -> Self {
        let room = Arc::new(Semaphore::new(all));
        Self(Arc::new(Inner { metric, room, of_one, proxies, inside: Mutex::default() }))
    }

    /// `None` when there is no place for another of this address, or for anyone.
    pub fn enter(&self, address: IpAddr) -> Option<Place> {
        let full = |why: &'static str| metrics::counter!(self.0.metric, "why" => why).increment(1);
        let Ok(room) = Arc::clone(&self.0.room).try_acquire_owned() else {
            full("all");
            return None;
        };
        let address = (!is_in(address, &self.0.proxies)).then(|| neighbourhood(address));
        if let Some(address) = address {
            let mut inside = self.0.inside.lock().unwrap_or_else(PoisonError::into_inner);
            let count = inside.entry(address).or_default();
            if *count >= self.0.of_one {
                full("address");
                return None;
            }
            *count += 1;
        }
        Some(Place { crowd: self.clone(), address, _room: room })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut inside = self.crowd.0.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(all: usize, of_one: usize) -> Crowd {
        Crowd::new("refused", all, of_one, vec!["10.0.0.0/8".parse().unwrap()])
    }

    #[test]
    fn one_address_has_its_share_and_gets_it_back() {
        let crowd = crowd(10, 2);
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        let first = crowd.enter(address).unwrap();
        let _second = crowd.enter(address).unwrap();
        assert!(crowd.enter(address).is_none());
        assert!(crowd.enter("203.0.113.8".parse().unwrap()).is_some(), "others are not concerned");
        drop(first);
        assert!(crowd.enter(address).is_some());
    }

    #[test]
    fn a_trusted_proxy_has_no_share_of_its_own_but_the_house_is_finite() {
        let crowd = crowd(3, 1);
        let proxy: IpAddr = "10.1.2.3".parse().unwrap();
        let all: Vec<Place> = (0..3).map(|_| crowd.enter(proxy).unwrap()).collect();
        assert!(crowd.enter(proxy).is_none());
        drop(all);
        assert!(crowd.enter(proxy).is_some());
        assert!(crowd.0.inside.lock().unwrap().is_empty());
    }
}
