use geo::{MultiPolygon, Polygon, polygon};
use image::GenericImageView as _;

use super::*;

fn square(left: f64, top: f64, side: f64) -> Polygon<f64> {
    polygon![(x: left, y: top - side), (x: left + side, y: top - side), (x: left + side, y: top), (x: left, y: top)]
}

fn ground(name: &str, left: f64, top: f64, side: f64) -> Ground {
    Ground {
        name: name.into(),
        shape: MultiPolygon(vec![square(left, top, side)]),
        inside: (left + side / 2.0, top - side / 2.0),
    }
}

fn scene() -> Scene {
    Scene {
        extent: [0.0, 0.0, 4000.0, 3000.0],
        around: vec![ground("Centro", 500.0, 2500.0, 1000.0), ground("Linhares & Cia <b>", 2500.0, 2500.0, 1000.0)],
        holds: vec![ground("Linhares & Cia <b>", 2500.0, 2500.0, 1000.0)],
    }
}

fn words() -> Words {
    Words {
        town: "Juiz de Fora".into(),
        authority: "Defesa Civil".into(),
        word: "ALERTA MÁXIMO".into(),
        headline: "Risco muito alto de deslizamento".into(),
        places: "Onde: Linhares".into(),
        times: "Vale até 23/02/2026 22:40".into(),
        call: "Em perigo? Ligue 199".into(),
        address: "alertas.example.org".into(),
        legend_holds: "Aqui vale o alerta".into(),
        legend_around: "Outras áreas".into(),
        ..Words::default()
    }
}

const MAXIMUM: Tone = Tone { level: Level::Maximum, is_end: false };

fn decoded(bytes: &[u8]) -> image::DynamicImage {
    image::load_from_memory_with_format(bytes, image::ImageFormat::Png).unwrap()
}

/// Share of the pixels of a rectangle that are nearer to `colour` than to white by far.
fn share_of(picture: &image::DynamicImage, area: (u32, u32, u32, u32), is: impl Fn(&[u8; 4]) -> bool) -> f64 {
    let part = picture.view(area.0, area.1, area.2, area.3);
    let found = part.pixels().filter(|(_, _, pixel)| is(&pixel.0)).count();
    found as f64 / f64::from(area.2 * area.3)
}

#[test]
fn the_same_alert_gives_the_same_bytes_in_the_promised_size() {
    type Draw = fn(&Scene, &Words, Tone) -> Result<Vec<u8>, PictureError>;
    for (draw, size) in [(map as Draw, MAP), (share as Draw, SHARE)] {
        let first = draw(&scene(), &words(), MAXIMUM).unwrap();
        assert_eq!(first, draw(&scene(), &words(), MAXIMUM).unwrap());
        assert_eq!(decoded(&first).dimensions(), size);
        assert!(first.len() < 300_000, "{} bytes", first.len());
    }
}

#[test]
fn each_level_has_lines_of_its_own_so_that_colour_is_never_alone() {
    let levels = [Level::Maximum, Level::Alert, Level::Attention, Level::Observation];
    let lines: Vec<_> = levels.map(|level| Tone { level, is_end: false }.lines()).to_vec();
    for (place, one) in lines.iter().enumerate() {
        assert_ne!(*one, Lines::None);
        assert!(lines[place + 1..].iter().all(|other| std::mem::discriminant(other) != std::mem::discriminant(one)));
    }
}

#[test]
fn words_on_a_colour_have_enough_contrast() {
    fn luminance(colour: Rgb) -> f64 {
        let part = colour.map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2]
    }
    for level in [Level::Maximum, Level::Alert, Level::Attention, Level::Observation] {
        for is_end in [false, true] {
            let tone = Tone { level, is_end };
            let (one, other) = (luminance(tone.fill()) + 0.05, luminance(tone.ink()) + 0.05);
            let contrast = one.max(other) / one.min(other);
            assert!(contrast >= 4.5, "{level}: {contrast}");
        }
    }
}

#[test]
fn the_ground_is_red_where_the_alert_holds_and_pale_elsewhere() {
    let picture = decoded(&map(&scene(), &words(), MAXIMUM).unwrap());
    let red = |pixel: &[u8; 4]| pixel[0] > 120 && pixel[1] < 130 && pixel[2] < 130;
    // The map shows 4,000 m on about 980 pixels.
    assert!(share_of(&picture, (750, 280, 100, 60), red) > 0.5);
    assert_eq!(share_of(&picture, (250, 260, 60, 40), red), 0.0);
}

#[test]
fn an_exercise_is_marked_and_what_is_over_is_no_longer_red() {
    let drill = Words { mark: "EXERCÍCIO".into(), ..words() };
    let picture = decoded(&share(&scene(), &drill, MAXIMUM).unwrap());
    let purple = |pixel: &[u8; 4]| pixel[..3] == [88, 40, 130];
    assert!(share_of(&picture, (0, 0, 1200, 104), purple) > 0.5);
    assert_ne!(map(&scene(), &drill, MAXIMUM).unwrap(), map(&scene(), &words(), MAXIMUM).unwrap());
    let over = Words { over: "SUBSTITUÍDO: há um aviso mais novo".into(), ..words() };
    let picture = decoded(&share(&scene(), &over, MAXIMUM).unwrap());
    let red = |pixel: &[u8; 4]| pixel[0] > 150 && pixel[1] < 60;
    assert_eq!(share_of(&picture, (0, 0, 1200, 104), red), 0.0);
}

#[test]
fn a_scene_without_any_area_is_drawn_all_the_same() {
    let bare = Scene { extent: [0.0, 0.0, 1000.0, 1000.0], ..Scene::default() };
    assert!(map(&bare, &Words::default(), MAXIMUM).is_ok());
    assert!(share(&bare, &Words::default(), MAXIMUM).is_ok());
}

#[test]
fn the_drawing_of_the_page_names_its_areas_without_their_markup() {
    let svg = svg::draw(&scene(), MAXIMUM, "p1", "Mapa");
    assert!(svg.contains("Linhares &amp; Cia &lt;b&gt;</text>"), "{svg}");
    assert!(svg.contains(r#"aria-label="Mapa""#) && svg.contains("url(#p1)") && svg.contains("holds maximum"));
    let end = svg::draw(&scene(), Tone { is_end: true, ..MAXIMUM }, "p1", "Mapa");
    assert!(end.contains("holds ended") && !end.contains("url(#p1)"));
}
