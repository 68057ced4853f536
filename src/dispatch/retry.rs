//! What a provider's answer means, and how long to wait before the next try. Pure: chance comes in as an argument.

use std::time::Duration;

/// A provider's word for what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `command_status` (SMPP 3.4, section 5.1.3).
    Smpp(u32),
    /// Reply code (RFC 5321, section 4.2).
    Smtp(u16),
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Smpp(status) => write!(f, "smpp 0x{status:08x}"),
            Self::Smtp(reply) => write!(f, "smtp {reply}"),
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
        Code::Smtp(reply) => match reply {
            400..=499 => Verdict::Retry,
            500..=599 => Verdict::Permanent,
            _ => Verdict::RetryBounded,
        },
    }
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
    fn the_wait_doubles_up_to_the_cap_and_jitter_spreads_it_from_zero() {
        let (base, max) = (Duration::from_secs(2), Duration::from_secs(60));
        let longest: Vec<u64> = (1..8).map(|attempt| wait(base, max, attempt, 1.0).as_secs()).collect();
        assert_eq!(longest, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait(base, max, 5, 0.0), Duration::ZERO);
        assert_eq!(wait(base, max, i32::MAX, 1.0), max);
    }
}
