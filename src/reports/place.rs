//! Where something is, in people's words: coordinates as maps and telephones write them, or the name of a risk area. Pure.
//!
//! What a street or a CEP means says the register of addresses (`crate::addresses`), and nobody outside is asked.

use super::words::fold;

/// How far coordinates that somebody typed or copied may lie off.
pub const TYPED_M: i32 = 30;
/// Brazil with its islands: longitudes and latitudes.
const WEST_EAST: std::ops::RangeInclusive<f64> = -74.5..=-28.5;
const SOUTH_NORTH: std::ops::RangeInclusive<f64> = -34.0..=5.5;

/// Longitude and latitude in a text: "-21.7612, -43.3501", "-21,7612 -43,3501", or inside an address of a map. The two numbers
/// have three decimals or more, so that house numbers are none of them. Whoever wrote longitude first is understood.
pub fn coordinates(text: &str) -> Option<(f64, f64)> {
    let numbers = numbers(text);
    numbers.windows(2).find_map(|pair| match pair {
        [lat, lon] if is_here(*lon, *lat) => Some((*lon, *lat)),
        [lon, lat] if is_here(*lon, *lat) => Some((*lon, *lat)),
        _ => None,
    })
}

fn is_here(lon: f64, lat: f64) -> bool {
    WEST_EAST.contains(&lon) && SOUTH_NORTH.contains(&lat)
}

/// True for a place that could be one in this country.
pub fn is_possible(lon: f64, lat: f64) -> bool {
    is_here(lon, lat)
}

/// Numbers of one to three digits with three to fifteen decimals, after a point or a comma.
fn numbers(text: &str) -> Vec<f64> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let signed = matches!(bytes[at], b'-' | b'+');
        let whole = digits(bytes, at + usize::from(signed));
        let start = at + usize::from(signed);
        let point = start + whole;
        let decimals = if matches!(bytes.get(point), Some(b'.' | b',')) { digits(bytes, point + 1) } else { 0 };
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let stands_alone = !before.is_some_and(u8::is_ascii_alphanumeric);
        if stands_alone && (1..=3).contains(&whole) && (3..=15).contains(&decimals) && found.len() < 16 {
            let end = point + 1 + decimals;
            found.extend(text[at..end].replace(',', ".").parse::<f64>().ok());
            at = end;
        } else {
            at = start + whole.max(1);
        }
    }
    found
}

fn digits(bytes: &[u8], from: usize) -> usize {
    bytes.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The one area whose name stands in the text, as whole words; of several the longest name, and none when two are as long.
pub fn area_in<'a, T>(text: &str, areas: &'a [(T, String)]) -> Option<&'a T> {
    let text = format!(" {} ", fold(text));
    let mut best: Option<(usize, &T)> = None;
    let mut is_tied = false;
    for (area, name) in areas {
        let name = fold(name);
        if name.len() < 4 || !text.contains(&format!(" {name} ")) {
            continue;
        }
        match best {
            Some((length, _)) if name.len() < length => {}
            Some((length, _)) if name.len() == length => is_tied = true,
            _ => {
                best = Some((name.len(), area));
                is_tied = false;
            }
        }
    }
    best.filter(|_| !is_tied).map(|(_, area)| area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_read_as_people_and_maps_write_them() {
        for text in [
            "-21.7612, -43.3501",
            "-21,7612 -43,3501",
            "-21,7612,-43,3501",
            "lat -21.7612 lon -43.3501 perto da escola",
            "https://maps.example/@-21.7612,-43.3501,17z",
            "geo:-21.7612,-43.3501",
            "-43.3501; -21.7612",
        ] {
            assert_eq!(coordinates(text), Some((-43.3501, -21.7612)), "{text}");
        }
    }

    #[test]
    fn house_numbers_ceps_and_far_countries_are_no_coordinates() {
        for text in
            ["Rua Halfeld, 1.200, 36010-000", "36010-000", "48.8583, 2.2945", "", "é -21.76", "1,5 m", "-21.7612"]
        {
            assert_eq!(coordinates(text), None, "{text}");
        }
    }

    #[test]
    fn the_longest_name_of_an_area_in_the_text_is_meant() {
        let areas = [(1, "Santa Rita".to_owned()), (2, "Santa Rita de Cássia".to_owned()), (3, "Linhares".to_owned())];
        assert_eq!(area_in("barranco na rua 3, SANTA RITA DE CASSIA", &areas), Some(&2));
        assert_eq!(area_in("bairro Linhares.", &areas), Some(&3));
        assert_eq!(area_in("Linharesópolis", &areas), None);
        let twins = [(1, "Morro Alto".to_owned()), (2, "Vila Nova!".to_owned()), (3, "Vila Nova".to_owned())];
        assert_eq!(area_in("vila nova", &twins), None);
    }
}
