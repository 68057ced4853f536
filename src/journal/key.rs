//! The identity of a reading.

use sha2::{Digest, Sha256};

use crate::ingest::NewReading;

/// First 128 bits of SHA-256 over (device, message id, stream, observed_at). Each part is prefixed with its length, so that
/// no two different readings spell the same bytes; an absent part has no bytes but the prefix of an impossible length.
pub fn reading_key(reading: &NewReading) -> [u8; 16] {
    let mut hash = Sha256::new();
    let device = reading.device_id.map(|id| id.0.to_be_bytes());
    part(&mut hash, device.as_ref().map(|bytes| bytes.as_slice()));
    part(&mut hash, reading.message_id.as_deref().map(str::as_bytes));
    part(&mut hash, Some(&reading.datastream_id.0.to_be_bytes()));
    part(&mut hash, Some(&reading.observed_at.timestamp_micros().to_be_bytes()));
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

fn part(hash: &mut Sha256, bytes: Option<&[u8]>) {
    let length = bytes.map_or(u32::MAX, |b| u32::try_from(b.len()).unwrap_or(u32::MAX - 1));
    hash.update(length.to_be_bytes());
    hash.update(bytes.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::ids::{DatastreamId, DeviceId};
    use crate::ingest::Source;
    use crate::units::{Fixed, Quality};

    fn reading() -> NewReading {
        NewReading {
            datastream_id: DatastreamId(1),
            device_id: Some(DeviceId(2)),
            message_id: Some("m".into()),
            observed_at: from_micros(1_000_000),
            value: Fixed::from_whole(3),
            quality: Quality::Pass,
            quality_reason: String::new(),
            source: Source::Mqtt,
        }
    }

    #[test]
    fn the_value_and_the_door_are_no_part_of_the_identity() {
        let other = NewReading { value: Fixed::from_whole(9), source: Source::Http, ..reading() };
        assert_eq!(reading_key(&reading()), reading_key(&other));
    }

    #[test]
    fn device_message_stream_and_instant_are_the_identity() {
        let same = reading_key(&reading());
        let others = [
            NewReading { device_id: None, ..reading() },
            NewReading { message_id: None, ..reading() },
            NewReading { message_id: Some(String::new()), ..reading() },
            NewReading { datastream_id: DatastreamId(2), ..reading() },
            NewReading { observed_at: from_micros(1_000_001), ..reading() },
        ];
        for other in others {
            assert_ne!(same, reading_key(&other), "{other:?}");
        }
    }
}
