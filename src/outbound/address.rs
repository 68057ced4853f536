//! Which addresses belong to the public internet. From the special-purpose registries of IANA (RFC 6890 and its
//! successors); whatever they do not call globally reachable is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Deserialize;

const V4: &[(Ipv4Net, &str)] = &[
    (Ipv4Net::new_assert(Ipv4Addr::new(0, 0, 0, 0), 8), "this network"),
    (Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8), "private"),
    (Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10), "shared by a carrier"),
    (Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8), "loopback"),
    (Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16), "link-local"),
    (Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12), "private"),
    (Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 0, 0), 24), "reserved for protocols"),
    (Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24), "documentation"),
    (Ipv4Net::new_assert(Ipv4Addr::new(192, 88, 99, 0), 24), "6to4 relay"),
    (Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16), "private"),
    (Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15), "benchmarking"),
    (Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24), "documentation"),
    (Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24), "documentation"),
    (Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4), "multicast"),
    (Ipv4Net::new_assert(Ipv4Addr::new(240, 0, 0, 0), 4), "reserved"),
];

/// Within 2000::/3, which is all that is given out.
const V6: &[(Ipv6Net, &str)] = &[
    (Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), "reserved for protocols"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), "documentation"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), "6to4"),
    (Ipv6Net::new_assert(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), "documentation"),
];

const GLOBAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// An IPv4 address as an IPv6-only network writes it (RFC 6052).
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
const UNIQUE_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);
const LINK_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10);

/// The address that packets reach in the end: IPv4 in its IPv6 forms is IPv4.
fn plain(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) if NAT64.contains(&v6) => {
            let [.., a, b, c, d] = v6.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        other => other,
    }
}

/// Why an address is not one of the public internet; `None` when it is.
pub fn refusal(ip: IpAddr) -> Option<&'static str> {
    match plain(ip) {
        IpAddr::V4(v4) => V4.iter().find(|(range, _)| range.contains(&v4)).map(|(_, why)| *why),
        IpAddr::V6(v6) if GLOBAL.contains(&v6) => V6.iter().find(|(range, _)| range.contains(&v6)).map(|(_, why)| *why),
        IpAddr::V6(v6) if v6.is_loopback() => Some("loopback"),
        IpAddr::V6(v6) if v6.is_multicast() => Some("multicast"),
        IpAddr::V6(v6) if UNIQUE_LOCAL.contains(&v6) => Some("private"),
        IpAddr::V6(v6) if LINK_LOCAL.contains(&v6) => Some("link-local"),
        IpAddr::V6(_) => Some("not of the public internet"),
    }
}

/// One entry of `outbound.allow`: a range, an address, or a host's name.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Allowed {
    Range(IpNet),
    Host(String),
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(range) = text.parse::<IpNet>() {
            return Ok(Self::Range(range));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Range(address.into()));
        }
        let wrong = || {
            format!("{text:?} is wrong; expected a host such as \"idp.example.org\" or a range such as \"10.1.0.0/16\"")
        };
        match url::Host::parse(text) {
            Ok(url::Host::Domain(name)) if !name.contains('*') => Ok(Self::Host(name)),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Allowed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What may be asked although it is not public.
#[derive(Clone, Debug, Default)]
pub struct Allow(Vec<Allowed>);

impl Allow {
    pub const fn new(entries: Vec<Allowed>) -> Self {
        Self(entries)
    }

    /// The address and why it may not be connected to under this name; `None` when it may.
    pub fn refusal(&self, host: &str, ip: IpAddr) -> Option<String> {
        let why = refusal(ip)?;
        let target = plain(ip);
        let named = self.0.iter().any(|entry| match entry {
            Allowed::Range(range) => range.contains(&target),
            Allowed::Host(name) => name.eq_ignore_ascii_case(host.trim_end_matches('.')),
        });
        (!named).then(|| format!("{ip} ({why})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> Option<&'static str> {
        refusal(text.parse().unwrap())
    }

    #[test]
    fn every_class_of_special_address_is_known_to_its_edges() {
        let classes = [
            ("this network", &["0.0.0.0", "0.255.255.255"][..]),
            (
                "private",
                &["10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::"],
            ),
            ("shared by a carrier", &["100.64.0.0", "100.127.255.255"]),
            ("loopback", &["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"]),
            ("link-local", &["169.254.169.254", "fe80::1", "febf::1", "::ffff:169.254.169.254"]),
            ("reserved for protocols", &["192.0.0.8", "2001::1", "2001:1ff:ffff::"]),
            ("documentation", &["192.0.2.1", "198.51.100.255", "203.0.113.9", "2001:db8::1", "3fff::1"]),
            ("6to4 relay", &["192.88.99.1"]),
            ("6to4", &["2002:7f00:1::1", "2002:909:909::1"]),
            ("benchmarking", &["198.18.0.0", "198.19.255.255"]),
            ("multicast", &["224.0.0.1", "239.255.255.250", "ff02::1"]),
            ("reserved", &["240.0.0.1", "255.255.255.255"]),
            (
                "not of the public internet",
                &["::", "::10.0.0.1", "64:ff9b:1::1", "fec0::1", "100::1", "4000::1", "5f00::1"],
            ),
        ];
        for (class, addresses) in classes {
            for address in addresses {
                assert_eq!(why(address), Some(class), "{address}");
            }
        }
    }

    #[test]
    fn the_neighbours_of_special_ranges_are_public() {
        for address in [
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::",
            "2001:db7::",
            "2001:db9::",
            "2003::",
            "3ffe::",
            "64:ff9b::9.9.9.9",
            "::ffff:9.9.9.9",
        ] {
            assert_eq!(why(address), None, "{address}");
        }
    }

    #[test]
    fn an_entry_is_a_range_an_address_or_a_name_and_nothing_else() {
        assert_eq!("10.0.0.0/8".parse(), Ok(Allowed::Range("10.0.0.0/8".parse().unwrap())));
        assert_eq!("::1".parse(), Ok(Allowed::Range("::1/128".parse().unwrap())));
        assert_eq!("Idp.Example.ORG".parse(), Ok(Allowed::Host("idp.example.org".into())));
        for wrong in ["", "*.example.org", "http://x", "10.0.0.0/33", "a b"] {
            assert!(wrong.parse::<Allowed>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_host_that_is_named_may_have_any_address() {
        let allow = Allow::new(vec!["idp.local".parse().unwrap()]);
        assert_eq!(allow.refusal("IDP.local", "10.0.0.1".parse().unwrap()), None);
        assert!(allow.refusal("other.local", "10.0.0.1".parse().unwrap()).is_some());
    }
}
