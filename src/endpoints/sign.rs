//! Signatures of webhooks by the Standard Webhooks specification: HMAC-SHA256 over id, seconds and body, one for each key that is
//! valid, so that a receiver may change over in its own time. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::clock::Instant;

/// Bytes of a key that we make; the specification asks for 24 to 64.
pub const KEY_LEN: usize = 24;
const PREFIX: &str = "whsec_";

/// How a key is shown to whoever sets up the receiver.
pub fn shown(key: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(key))
}

/// The header `webhook-signature`: for each key, the newest first.
pub fn signature(keys: &[Vec<u8>], id: &str, at: Instant, body: &[u8]) -> String {
    let mut signed = format!("{id}.{}.", at.timestamp()).into_bytes();
    signed.extend_from_slice(body);
    let sign = |key: &Vec<u8>| {
        let sum = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &signed);
        format!("v1,{}", STANDARD.encode(sum))
    };
    keys.iter().map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    /// The example of the specification's own libraries.
    #[test]
    fn the_example_of_the_specification_is_signed_as_it_says() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = from_micros(1_614_265_330_000_000);
        let made = signature(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(made, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_key_signs_and_is_shown_with_its_prefix() {
        let keys = [vec![1; KEY_LEN], vec![2; KEY_LEN]];
        let both = signature(&keys, "msg_1", Instant::default(), b"{}");
        assert_eq!(both.split(' ').count(), 2);
        assert_eq!(both.split(' ').nth(1), Some(signature(&keys[1..], "msg_1", Instant::default(), b"{}").as_str()));
        assert_eq!(shown(&[0; 3]), "whsec_AAAA");
    }
}
