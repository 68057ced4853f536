//! The machine: files, space, clock, ports, certificates, and the address others use. Pure.

use ipnet::IpNet;

use super::{Finding, Said};
use crate::backup::space;
use crate::clock::Instant;

/// Below this the database stops soon, bytes.
const SPACE_WARNING: u64 = 5 << 30;
const SPACE_FAILURE: u64 = 1 << 30;
/// Days until the disk is full that are worth a word.
const GROWTH_DAYS: u64 = 60;
/// Days of a certificate that are worth a word: whoever renews automatically does so a month before.
const CERTIFICATE_DAYS: i64 = 21;

/// A configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    pub text: String,
}

pub fn config_file(file: Option<&ConfigFile>) -> Finding {
    let Some(file) = file else { return Finding::fine(Said::ConfigDefaults) };
    let mode = format!("{:03o}", file.mode & 0o777);
    let others_write = file.mode & 0o022 != 0;
    let others_read_secrets = file.mode & 0o004 != 0 && holds_secret(&file.text);
    let finding = if others_write {
        Finding::failure(Said::ConfigOpen)
    } else if others_read_secrets {
        Finding::warning(Said::ConfigOpen)
    } else {
        Finding::fine(Said::ConfigFine)
    };
    finding.with("file", &file.path).with("mode", mode)
}

/// Whether a secret stands in the file itself, not as the place where it lies.
pub fn holds_secret(text: &str) -> bool {
    text.lines().any(|line| {
        let Some((key, value)) = line.trim().split_once('=') else { return false };
        let (key, value) = (key.trim(), value.trim().trim_matches(['"', '\'']));
        let elsewhere = value.is_empty() || value.starts_with("file:") || value.starts_with("credential:");
        let is_secret = ["password", "secret", "client_secret", "basic"].contains(&key);
        let is_address = key.ends_with("url") && value.contains('@');
        !key.starts_with('#') && !elsewhere && (is_secret || is_address)
    })
}

/// `data_dir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    pub path: String,
    /// `None`: it is not there.
    pub mode: Option<u32>,
    /// Whoever asks owns it, or is root.
    pub is_ours: bool,
    pub free: Option<u64>,
}

pub fn data_dir(folder: &DataDir) -> Vec<Finding> {
    let Some(mode) = folder.mode else {
        return vec![Finding::warning(Said::DataDirMissing).with("path", &folder.path)];
    };
    let mut findings = Vec::new();
    if !folder.is_ours {
        findings.push(Finding::failure(Said::DataDirForeign).with("path", &folder.path));
    } else if mode & 0o022 != 0 {
        let mode = format!("{:03o}", mode & 0o777);
        findings.push(Finding::warning(Said::DataDirOpen).with("path", &folder.path).with("mode", mode));
    }
    findings.extend(match folder.free {
        None => Some(Finding::warning(Said::SpaceUnknown)),
        Some(free) if free < SPACE_FAILURE => Some(Finding::failure(Said::SpaceShort).with("free", space::told(free))),
        Some(free) if free < SPACE_WARNING => Some(Finding::warning(Said::SpaceShort).with("free", space::told(free))),
        Some(_) => None,
    });
    if findings.is_empty() {
        let free = space::told(folder.free.unwrap_or_default());
        findings.push(Finding::fine(Said::DataDirFine).with("path", &folder.path).with("free", free));
    }
    findings
}

/// `daily`: bytes that the journal grows a day. `None` when nobody can tell yet.
pub fn growth(free: Option<u64>, daily: Option<u64>) -> Option<Finding> {
    let (free, daily) = (free?, daily.filter(|daily| *daily > 0)?);
    let days = free / daily;
    let finding =
        if days < GROWTH_DAYS { Finding::warning(Said::GrowthShort) } else { Finding::fine(Said::GrowthFine) };
    Some(finding.with("days", days).with("daily", space::told(daily)))
}

/// What the unit or the container allows, and what the service needs with the stations it has, bytes. Above the bound the system takes memory
/// away at every step or ends the service, and that in the storm, when every stream fills.
pub fn memory(limit: u64, needed: u64) -> Finding {
    let finding = if needed > limit {
        Finding::failure(Said::MemoryShort)
    } else if needed > limit / 5 * 4 {
        Finding::warning(Said::MemoryShort)
    } else {
        Finding::fine(Said::MemoryFine)
    };
    finding.with("limit", space::told(limit)).with("needed", space::told(needed))
}

/// Whether the machine's clock follows others; `None` where the system does not say.
pub fn clock(synchronised: Option<bool>) -> Finding {
    match synchronised {
        Some(true) => Finding::fine(Said::ClockFine),
        Some(false) => Finding::warning(Said::ClockFree),
        None => Finding::warning(Said::ClockUnknown),
    }
}

/// What was found where the service wants to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortState {
    Free,
    /// This service holds it.
    Ours,
    Taken,
    /// Only a privileged process may take it: systemd gives the service that right, and not whoever asks here.
    Denied,
}

pub fn port(key: &str, address: &str, state: PortState) -> Finding {
    let finding = match state {
        PortState::Free => Finding::fine(Said::PortFree),
        PortState::Ours => Finding::fine(Said::PortOurs),
        PortState::Taken => Finding::failure(Said::PortTaken),
        PortState::Denied => Finding::warning(Said::PortDenied),
    };
    finding.with("key", key).with("address", address)
}

/// A certificate of ours: until when it holds, or why it cannot be read.
pub fn certificate(path: &str, until: &Result<Instant, String>, now: Instant) -> Finding {
    let until = match until {
        Ok(until) => *until,
        Err(error) => return Finding::failure(Said::CertificateWrong).with("path", path).with("error", error),
    };
    let days = (until - now).num_days();
    let finding = if until <= now {
        Finding::failure(Said::CertificateEnded)
    } else if days < CERTIFICATE_DAYS {
        Finding::warning(Said::CertificateSoon)
    } else {
        Finding::fine(Said::CertificateFine)
    };
    finding.with("path", path).with("days", days)
}

/// The public address beside how the service is reached.
pub fn public_url(url: &str, listen: &str, has_tls: bool, proxies: &[IpNet]) -> Finding {
    let is_local = |text: &str| ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| text.contains(name));
    let finding = if url.is_empty() {
        if is_local(listen) { Finding::warning(Said::UrlEmpty) } else { Finding::failure(Said::UrlEmpty) }
    } else if !url.starts_with("https://") {
        if is_local(url) { Finding::warning(Said::UrlPlain) } else { Finding::failure(Said::UrlPlain) }
    } else if !has_tls && proxies.is_empty() {
        Finding::warning(Said::UrlUnproxied)
    } else {
        Finding::fine(Said::UrlFine)
    };
    finding.with("url", if url.is_empty() { listen } else { url })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::doctor::Verdict;

    fn file(mode: u32, text: &str) -> ConfigFile {
        ConfigFile { path: "/etc/sentinela/sentinela.toml".into(), mode, text: text.into() }
    }

    #[test]
    fn a_configuration_with_secrets_is_not_for_everybody() {
        let secret = "[mail]\nurl = \"smtps://ana:segredo@mail.example\"";
        let elsewhere =
            "[mail]\nurl = \"file:/etc/sentinela/secrets/mail\"\n# password = \"x\"\npassword = \"credential:x\"";
        assert_eq!(config_file(Some(&file(0o644, elsewhere))).verdict, Verdict::Fine);
        assert_eq!(config_file(Some(&file(0o644, secret))).verdict, Verdict::Warning);
        assert_eq!(config_file(Some(&file(0o640, secret))).verdict, Verdict::Fine);
        assert_eq!(config_file(Some(&file(0o666, ""))).verdict, Verdict::Failure);
        assert_eq!(config_file(None).said, Said::ConfigDefaults);
    }

    #[test]
    fn a_full_disk_and_a_foreign_folder_are_told() {
        let folder = |mode, is_ours, free| DataDir { path: "var".into(), mode, is_ours, free };
        let said = |folder: DataDir| data_dir(&folder).iter().map(|finding| finding.said).collect::<Vec<_>>();
        assert_eq!(said(folder(None, false, None)), [Said::DataDirMissing]);
        assert_eq!(said(folder(Some(0o700), true, Some(10 << 30))), [Said::DataDirFine]);
        assert_eq!(said(folder(Some(0o777), true, Some(1 << 20))), [Said::DataDirOpen, Said::SpaceShort]);
        assert_eq!(said(folder(Some(0o700), false, None)), [Said::DataDirForeign, Said::SpaceUnknown]);
        let short = |free| data_dir(&folder(Some(0o700), true, Some(free)))[0].verdict;
        assert_eq!([short(SPACE_FAILURE - 1), short(SPACE_FAILURE)], [Verdict::Failure, Verdict::Warning]);
    }

    #[test]
    fn the_day_the_disk_is_full_is_reckoned() {
        assert_eq!(growth(Some(100), None), None);
        assert_eq!(growth(Some(100), Some(0)), None);
        assert_eq!(growth(Some(59), Some(1)).unwrap().verdict, Verdict::Warning);
        assert_eq!(growth(Some(60), Some(1)).unwrap().verdict, Verdict::Fine);
    }

    #[test]
    fn a_bound_below_what_the_stations_need_is_told_before_the_storm() {
        let country = crate::capacity::memory_of(50_000.0) as u64;
        assert_eq!(memory(2 << 30, country).verdict, Verdict::Failure);
        assert_eq!(memory(3500 << 20, country).verdict, Verdict::Warning);
        assert_eq!(memory(6 << 30, country).said, Said::MemoryFine);
    }

    #[test]
    fn a_certificate_is_told_before_it_ends() {
        let day = 86_400_000_000;
        let verdict = |days: i64| certificate("x", &Ok(from_micros(days * day)), from_micros(0)).verdict;
        assert_eq!([verdict(0), verdict(20), verdict(21)], [Verdict::Failure, Verdict::Warning, Verdict::Fine]);
        assert_eq!(certificate("x", &Err("no".into()), from_micros(0)).said, Said::CertificateWrong);
    }

    #[test]
    fn the_public_address_agrees_with_how_it_is_reached() {
        let proxy: [IpNet; 1] = ["127.0.0.1/32".parse().unwrap()];
        let local = "127.0.0.1:8080";
        let said = |url: &str, listen: &str, tls, proxies: &[IpNet]| {
            let finding = public_url(url, listen, tls, proxies);
            (finding.said, finding.verdict)
        };
        assert_eq!(said("https://a.gov.br", local, false, &proxy), (Said::UrlFine, Verdict::Fine));
        assert_eq!(said("https://a.gov.br", "0.0.0.0:443", true, &[]), (Said::UrlFine, Verdict::Fine));
        assert_eq!(said("https://a.gov.br", local, false, &[]), (Said::UrlUnproxied, Verdict::Warning));
        assert_eq!(said("http://a.gov.br", local, false, &proxy), (Said::UrlPlain, Verdict::Failure));
        assert_eq!(said("", local, false, &[]), (Said::UrlEmpty, Verdict::Warning));
        assert_eq!(said("", "0.0.0.0:80", false, &[]), (Said::UrlEmpty, Verdict::Failure));
    }
}
