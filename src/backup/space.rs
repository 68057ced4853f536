//! Whether an archive will fit. Pure.

/// What is kept free beside it.
const RESERVE: u64 = 64 * 1024 * 1024;

/// What the private database keeps for itself on a disk that it shares with the archives: without room it accepts no reading.
pub const FOR_DATABASE: u64 = 1 << 30;

/// Bytes that must be free for an archive of tables of this size. A dump holds no index and is compressed: readings come to a third of
/// their table or less, photographs to all of it. Half is asked for; a disk that fills up all the same ends the backup with its reason.
pub const fn needed(tables: u64) -> u64 {
    tables / 2 + RESERVE
}

/// "12.3 MiB"
pub fn told(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if size < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1024.0;
    }
    format!("{size:.1} TiB")
}

/// The bytes of `df --output=avail -B1`, whose second line is the number.
pub fn available(df: &str) -> Option<u64> {
    df.lines().nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_tables_and_a_reserve_must_be_free() {
        assert_eq!(needed(0), RESERVE);
        assert_eq!(needed(10 * RESERVE), 6 * RESERVE);
    }

    #[test]
    fn sizes_are_told_in_their_unit() {
        assert_eq!([told(0), told(1023), told(1024), told(1_610_612_736)], ["0 B", "1023 B", "1.0 KiB", "1.5 GiB"]);
        assert_eq!(told(3 << 40), "3.0 TiB");
    }

    #[test]
    fn what_df_says_is_read() {
        assert_eq!(available("   Avail\n123456\n"), Some(123_456));
        assert_eq!(available("df: no such file\n"), None);
    }
}
