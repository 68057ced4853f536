//! The second factor: one-time codes after RFC 6238 (SHA-1, six digits, 30 seconds, as every authenticator app knows them)
//! and recovery codes for a day without the telephone.

use qrcode::QrCode;
use qrcode::render::svg;
use sha2::{Digest, Sha256};
use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::clock::Instant;
use crate::ids::{Ids, StaffId};

/// Recovery codes a person has.
pub const RECOVERY_CODES: usize = 10;

/// Bytes of a key, as RFC 4226 recommends.
pub const KEY_BYTES: usize = 20;

/// Crockford's letters: no I, L, O or U to be mistaken.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a sealed key belongs to; part of what is sealed, so that nobody can move it to another row.
pub fn context(staff_id: StaffId) -> String {
    format!("staff_factor.secret:{staff_id}")
}

fn totp(key: &[u8]) -> Totp {
    // One step to either side: telephones run a little wrong, and people type slowly.
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_secret(key.to_vec())
        .build_noncompliant()
}

/// The time step whose code this is, if it is one of now, 30 seconds ago or 30 seconds ahead. Whoever accepts it must
/// remember the step: a code is good once.
pub fn matching_step(key: &[u8], code: &str, now: Instant) -> Option<i64> {
    let seconds = u64::try_from(now.timestamp()).ok()?;
    totp(key).check(code, seconds).and_then(|step| i64::try_from(step).ok())
}

/// The code of an instant: what the person's telephone shows. For tests and the demonstration.
pub fn code_at(key: &[u8], at: Instant) -> String {
    totp(key).generate(u64::try_from(at.timestamp()).unwrap_or(0)).to_string()
}

/// The key as it is typed, in groups of four.
pub fn typed_key(key: &[u8]) -> String {
    let text = Secret::from(key.to_vec()).to_base32();
    let groups: Vec<&str> = text.as_bytes().chunks(4).filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(" ")
}

/// The address an authenticator app reads ("Key Uri Format").
pub fn key_uri(key: &[u8], issuer: &str, username: &str) -> String {
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    // A colon parts issuer and account there.
    let issuer = encode(&issuer.replace(':', " "));
    let secret = typed_key(key).replace(' ', "");
    format!(
        "otpauth://totp/{issuer}:{}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
        encode(username)
    )
}

/// The same as a picture: an `<svg>` element, dark on white in every theme, because cameras want it so.
///
/// # Errors
/// Longer than a QR code holds (about 2,900 bytes).
pub fn picture(uri: &str) -> Result<String, qrcode::types::QrError> {
    let drawn = QrCode::new(uri.as_bytes())?.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    Ok(drawn.find("<svg").map_or(String::new(), |start| drawn[start..].to_owned()))
}

/// Fresh recovery codes: 120 random bits each, six groups of four letters.
pub fn recovery_codes(ids: &Ids) -> Vec<String> {
    (0..RECOVERY_CODES).map(|_| recovery_code(&ids.bytes::<15>())).collect()
}

fn recovery_code(bytes: &[u8; 15]) -> String {
    let mut bits = bytes.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    let mut code = String::new();
    for place in 0..24 {
        if place > 0 && place % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(LETTERS[(bits & 31) as usize]));
        bits >>= 5;
    }
    code
}

/// What is stored of a recovery code, however it was typed: small letters, spaces, O for 0, I or L for 1.
pub fn recovery_hash(typed: &str) -> Vec<u8> {
    let plain: String = typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    Sha256::digest(plain.as_bytes()).to_vec()
}

/// True for what can only be meant as a one-time code.
pub fn looks_like_code(typed: &str) -> bool {
    typed.len() == 6 && typed.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    const KEY: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Instant {
        from_micros(seconds * 1_000_000)
    }

    /// RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(code_at(KEY, at(seconds)), code);
            assert_eq!(matching_step(KEY, code, at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_fits_one_step_to_either_side_and_no_further() {
        let code = code_at(KEY, at(3000));
        assert_eq!(matching_step(KEY, &code, at(3030)), Some(100));
        assert_eq!(matching_step(KEY, &code, at(2970)), Some(100));
        assert_eq!(matching_step(KEY, &code, at(3060)), None);
        assert_eq!(matching_step(KEY, "", at(3000)), None);
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let codes = recovery_codes(&Ids::seeded(7));
        assert_eq!(codes.len(), RECOVERY_CODES);
        let code = &codes[0];
        assert_eq!(code.len(), 29, "{code}");
        assert_eq!(recovery_hash(code), recovery_hash(&format!(" {} ", code.to_lowercase().replace('-', " "))));
        assert_eq!(recovery_hash("10AB"), recovery_hash("lo-ab"));
        assert_ne!(recovery_hash(&codes[0]), recovery_hash(&codes[1]));
    }

    #[test]
    fn an_app_reads_the_key_from_the_picture() {
        let uri = key_uri(KEY, "Defesa Civil: teste", "ana");
        assert_eq!(
            uri,
            "otpauth://totp/Defesa%20Civil%20%20teste:ana?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                         &issuer=Defesa%20Civil%20%20teste&algorithm=SHA1&digits=6&period=30"
        );
        let picture = picture(&uri).unwrap();
        assert!(picture.starts_with("<svg") && !picture.contains("style"), "{picture}");
        assert_eq!(typed_key(KEY), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }
}
