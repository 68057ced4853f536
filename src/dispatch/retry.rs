//! What a provider's answer means, and how long to wait before the next try. Pure: chance comes in as an argument.

use std::time::Duration;

/// A provider's word for what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `command_status` (SMPP 3.4, section 5.1.3).
    Smpp(u32),
    /// We ourselves: what stands in the row is nothing an SMPP centre could be asked with.
    SmppOwn,
    /// Reply code (RFC 5321, section 4.2).
    Smtp(u16),
    /// HTTP status of a gateway, with what its description makes of the answer.
    Gateway { status: u16, verdict: Verdict, is_dead: bool },
    /// HTTP status of an endpoint (webhook, chat).
    Endpoint(u16),
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Smpp(status) => write!(f, "smpp 0x{status:08x}"),
            Self::SmppOwn => f.write_str("smpp own"),
            Self::Smtp(reply) => write!(f, "smtp {reply}"),
            Self::Gateway { status, .. } => write!(f, "http {status}"),
            Self::Endpoint(status) => write!(f, "http {status}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The provider's own trouble: try until the alert dies.
    Retry,
    /// Too fast: slow down, then try until the alert dies.
    Throttled,
    /// Nobody knows what it means: try `BOUNDED_ATTEMPTS` times.
    RetryBounded,
    /// About this recipient or this message: trying again cannot help.
    Permanent,
}

/// Tries for an answer whose meaning is not known.
pub const BOUNDED_ATTEMPTS: i32 = 6;

pub const fn verdict(code: Code) -> Verdict {
    match code {
        Code::Smpp(status) => smpp(status),
        Code::SmppOwn => Verdict::Permanent,
        Code::Smtp(reply) => match reply {
            400..=499 => Verdict::Retry,
            500..=599 => Verdict::Permanent,
            _ => Verdict::RetryBounded,
        },
        Code::Gateway { verdict, .. } => verdict,
        Code::Endpoint(status) => match status {
            429 => Verdict::Throttled,
            408 | 409 | 425 | 500..=599 => Verdict::Retry,
            // Gone for good, as Standard Webhooks reads it.
            410 => Verdict::Permanent,
            // A setting that is wrong over there may be mended in a minute.
            _ => Verdict::RetryBounded,
        },
    }
}

/// Whether a refusal is about the provider and not about this message. Of a mail server only 421 says so: other passing refusals are
/// about one mailbox, or a greeting that every new sender gets.
pub const fn is_providers_own(code: Code) -> bool {
    match code {
        Code::Smtp(reply) => reply == 421,
        Code::Smpp(_) | Code::SmppOwn | Code::Gateway { .. } | Code::Endpoint(_) => {
            matches!(verdict(code), Verdict::Retry)
        }
    }
}

/// Whether a refusal says that the address leads nowhere: for SMPP RINVDSTADR, for e-mail what the enhanced status code in
/// `detail` says of the mailbox.
pub fn is_dead_address(code: Code, detail: &str) -> bool {
    match code {
        Code::Smpp(status) => status == 0x0b,
        Code::Smtp(_) => enhanced_status(detail).is_some_and(is_dead_mailbox),
        Code::Gateway { is_dead, .. } => is_dead,
        Code::SmppOwn | Code::Endpoint(_) => false,
    }
}

/// Mail servers' own words for refusing whoever sends, where code and status would also fit a reader: Postfix, Sendmail, Exim, Exchange,
/// Gmail, and what they say to MAIL FROM.
const REFUSES_US: [&str; 19] = [
    "sender address rejected",
    "sender rejected",
    "sender denied",
    "sender not allowed",
    "sender verify failed",
    "invalid sender",
    "bad sender",
    "domain of sender",
    "sender's domain",
    "not owned by user",
    "send as this sender",
    "mail from command",
    "client host rejected",
    "client host blocked",
    "blocked using",
    "relay access denied",
    "relaying denied",
    "relay not permitted",
    "unable to relay",
];

/// Whether a mail server refuses us, and so every letter alike: no password or a wrong one, no TLS (RFC 4954, section 6), a server that
/// takes no mail (521 of RFC 7504) or does not know what it was told (500 to 504, and 555 of RFC 5321), a sender that may not write (5.1.7
/// and 5.1.8 of RFC 3463) or whose domain proves nothing (5.7.20 to 5.7.27 of RFC 7372 and its like), a system that takes nothing (5.3.2)
/// or is set up wrongly (5.3.5). Nothing left, and once the setting is mended all of it can. What speaks of the mailbox never does,
/// whatever else it says.
pub fn refuses_us(reply: u16, detail: &str) -> bool {
    let status = enhanced_status(detail);
    let lower = detail.to_ascii_lowercase();
    if status.is_some_and(is_dead_mailbox) || lower.contains("recipient address rejected") {
        return false;
    }
    let by_status = matches!(status, Some((5, 1, 7 | 8) | (5, 3, 2 | 5) | (5, 7, 8 | 9 | 11 | 13 | 20..=27)));
    let by_reply = matches!(reply, 500..=504 | 521 | 530 | 534 | 535 | 538 | 555);
    by_reply || by_status || REFUSES_US.iter().any(|words| lower.contains(words))
}

/// An enhanced status code (RFC 3463): class, subject, detail.
pub type Enhanced = (u16, u16, u16);

/// The first enhanced status code in a text, of a permanent failure (5.x.x).
pub fn enhanced_status(text: &str) -> Option<Enhanced> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.filter_map(enhanced).find(|(class, ..)| *class == 5)
}

/// "5.1.1" in three numbers.
pub fn enhanced(word: &str) -> Option<Enhanced> {
    let mut parts = word.split('.').map(|part| part.parse::<u16>().ok());
    let code = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(code)
}

/// The mailbox or its domain is not there (5.1.1, 5.1.2, 5.1.3, 5.1.6, and 5.1.10 of RFC 7505), or the mailbox takes nothing any more
/// (5.2.1). A full one (5.2.2), a policy (5.7.x), a broken server, and "something about an address" (5.1.0) say nothing of it.
pub const fn is_dead_mailbox(status: Enhanced) -> bool {
    matches!(status, (5, 1, 1 | 2 | 3 | 6 | 10) | (5, 2, 1))
}

const fn smpp(status: u32) -> Verdict {
    match status {
        // RTHROTTLED
        0x58 => Verdict::Throttled,
        // RINVBNDSTS, RALYBND, RSYSERR, RBINDFAIL, RMSGQFUL, RX_T_APPN, SERTYPUNAUTH…: the centre is not well
        0x04 | 0x05 | 0x08 | 0x0d | 0x14 | 0x64 => Verdict::Retry,
        // RINVMSGLEN, RINVCMDLEN, RINVPRTFLG, RINVREGDLVFLG
        0x01 | 0x02 | 0x06 | 0x07
        // RINVSRCADR, RINVDSTADR, RINVMSGID
        | 0x0a | 0x0b | 0x0c
        // RINVSERTYP, RINVNUMDESTS, RINVDLNAME, RINVDESTFLAG, RINVSUBREP, RINVESMCLASS, RCNTSUBDL
        | 0x15 | 0x33 | 0x34 | 0x40 | 0x42 | 0x43 | 0x44
        // RINVSRCTON, RINVSRCNPI, RINVDSTTON, RINVDSTNPI
        | 0x48 | 0x49 | 0x50 | 0x51
        // RINVREPFLAG, RINVNUMMSGS, RINVSCHED, RINVEXPIRY, RINVDFTMSGID
        | 0x54 | 0x55 | 0x61 | 0x62 | 0x63
        // RX_P_APPN, RX_R_APPN
        | 0x65 | 0x66
        // RINVOPTPARSTREAM … RINVOPTPARAMVAL
        | 0xc0..=0xc4 => Verdict::Permanent,
        _ => Verdict::RetryBounded,
    }
}

/// Exponential back-off with full jitter: anything up to `base × 2^(attempt − 1)`, at most `max`.
/// `attempt` counts from 1; `chance` lies in 0..1.
pub fn wait(base: Duration, max: Duration, attempt: i32, chance: f64) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(20);
    let ceiling = base.saturating_mul(1 << doublings).min(max);
    ceiling.mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttled_or_full_centre_is_tried_again_and_a_wrong_number_is_not() {
        assert_eq!(verdict(Code::Smpp(0x58)), Verdict::Throttled);
        assert_eq!(verdict(Code::Smpp(0x14)), Verdict::Retry);
        assert_eq!(verdict(Code::Smpp(0x08)), Verdict::Retry);
        assert_eq!(verdict(Code::Smpp(0x0b)), Verdict::Permanent);
    }

    #[test]
    fn a_code_nobody_knows_is_tried_a_bounded_number_of_times() {
        assert_eq!(verdict(Code::Smpp(0x0000_0400)), Verdict::RetryBounded);
        assert_eq!(verdict(Code::Smtp(299)), Verdict::RetryBounded);
    }

    #[test]
    fn greylisting_is_tried_again_and_an_unknown_mailbox_is_not() {
        assert_eq!(verdict(Code::Smtp(451)), Verdict::Retry);
        assert_eq!(verdict(Code::Smtp(550)), Verdict::Permanent);
    }

    #[test]
    fn a_centre_out_of_order_is_its_own_trouble_and_a_greylisted_letter_is_not() {
        let gateway = |verdict| Code::Gateway { status: 503, verdict, is_dead: false };
        for code in [Code::Smpp(0x08), Code::Smpp(0x64), Code::Smtp(421), gateway(Verdict::Retry)] {
            assert!(is_providers_own(code), "{code}");
        }
        for code in [Code::Smpp(0x0b), Code::Smpp(0x58), Code::Smtp(451), gateway(Verdict::Permanent)] {
            assert!(!is_providers_own(code), "{code}");
        }
    }

    #[test]
    fn only_what_speaks_of_the_address_itself_makes_it_dead() {
        let smtp = |detail: &str| is_dead_address(Code::Smtp(550), detail);
        assert!(smtp("permanent error (550): 5.1.1 no such mailbox") && smtp("permanent error (550): 5.2.1 disabled"));
        assert!(
            !smtp("permanent error (552): 5.2.2 full") && !smtp("permanent error (550): 5.7.1 refused by 10.1.2.3")
        );
        // The sender's own fault, and a server that names no reason.
        assert!(!smtp("permanent error (550): 5.1.8 bad sender") && !smtp("permanent error (550): no"));
        assert!(
            !smtp("permanent error (550): 5.1.0 address rejected") && smtp("permanent error (556): 5.1.10 null MX")
        );
        assert!(!is_dead_address(Code::SmppOwn, "5.1.1"));
        assert!(is_dead_address(Code::Smpp(0x0b), "") && !is_dead_address(Code::Smpp(0x58), ""));
    }

    #[test]
    fn a_server_that_refuses_whoever_sends_says_nothing_of_the_reader() {
        for (reply, detail) in [
            (535, "permanent error (535): 5.7.8 authentication failed"),
            (530, "permanent error (530): must issue STARTTLS first"),
            (550, "permanent error (550): 5.1.8 sender's domain does not exist"),
            (554, "permanent error (554): 5.7.1 <a@b.test>: Relay access denied"),
            (553, "permanent error (553): 5.7.1 <a@b.test>: Sender address rejected: not owned by user b"),
            (550, "permanent error (550): 5.7.1 Invalid sender"),
            (550, "permanent error (550): 5.7.60 SMTP; Client does not have permissions to send as this sender"),
            (550, "permanent error (550): 5.7.23 SPF validation failed"),
            (554, "permanent error (554): 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using bl.example"),
            (521, "permanent error (521): does not accept mail"),
            (555, "permanent error (555): MAIL FROM/RCPT TO parameters not recognized"),
            (503, "permanent error (503): 5.5.1 Error: need MAIL FROM command"),
        ] {
            assert!(refuses_us(reply, detail), "{detail}");
        }
        for (reply, detail) in [
            (550, "permanent error (550): 5.1.1 no such mailbox"),
            (552, "permanent error (552): 5.2.2 mailbox full"),
            (550, "permanent error (550): 5.7.1 message looks like spam"),
            (550, "permanent error (550): no"),
            (504, "permanent error (504): 5.5.2 <x>: Recipient address rejected: need fully-qualified address"),
            (552, "permanent error (552): 5.3.4 message too large for this mailbox"),
            (550, "permanent error (550): 5.1.1 unknown mailbox; sender rejected by its owner"),
        ] {
            assert!(!refuses_us(reply, detail), "{detail}");
        }
    }

    #[test]
    fn an_endpoint_that_is_not_well_is_tried_again_and_one_that_is_gone_is_not() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(verdict(Code::Endpoint(status)), Verdict::Retry | Verdict::Throttled), "{status}");
        }
        for status in [302, 400, 401, 404] {
            assert_eq!(verdict(Code::Endpoint(status)), Verdict::RetryBounded, "{status}");
        }
        assert_eq!(verdict(Code::Endpoint(410)), Verdict::Permanent);
    }

    #[test]
    fn the_wait_doubles_up_to_the_cap_and_jitter_spreads_it_from_zero() {
        let (base, max) = (Duration::from_secs(2), Duration::from_secs(60));
        let longest: Vec<u64> = (1..8).map(|attempt| wait(base, max, attempt, 1.0).as_secs()).collect();
        assert_eq!(longest, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait(base, max, 5, 0.0), Duration::ZERO);
        assert_eq!(wait(base, max, i32::MAX, 1.0), max);
    }
}
