//! Pictures of every kind that come, and what is left of them.

use super::*;

fn picture(width: u32, height: u32) -> RgbImage {
    // The left half red, the right half blue; the upper edge green.
    RgbImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 8) {
        (_, true) => Rgb([0, 200, 0]),
        (true, _) => Rgb([220, 0, 0]),
        (false, _) => Rgb([0, 0, 220]),
    })
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    write(&picture(width, height), 90).unwrap()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    written(&picture(width, height).into(), ImageFormat::Png)
}

/// APP1 with an orientation, as cameras write it.
fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let mut part = vec![0xff, 0xe1];
    part.extend(u16::try_from(tiff.len() + 2).unwrap().to_be_bytes());
    part.extend(tiff);
    part
}

fn with_part(jpeg: &[u8], part: &[u8]) -> Vec<u8> {
    [&jpeg[..2], part, &jpeg[2..]].concat()
}

/// A PNG chunk with its checksum.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in kind.iter().chain(data) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], kind, data, &(!crc).to_be_bytes()].concat()
}

/// A PNG that claims a size and holds next to nothing.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let nothing = [0x78, 0x9c, 0x03, 0, 0, 0, 0, 1];
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", &nothing), chunk(b"IEND", b"")].concat()
}

fn colour_at(jpeg: &[u8], x: u32, y: u32) -> &'static str {
    let image = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).unwrap().into_rgb8();
    let [red, green, blue] = image.get_pixel(x, y).0;
    match red.max(green).max(blue) {
        most if most == red => "red",
        most if most == green => "green",
        _ => "blue",
    }
}

/// The marks of a JPEG's parts up to its picture.
fn parts(jpeg: &[u8]) -> Vec<u8> {
    let (mut at, mut found) = (2, Vec::new());
    while jpeg[at + 1] != 0xda {
        found.push(jpeg[at + 1]);
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    }
    found
}

#[test]
fn pictures_of_the_three_formats_become_small_jpegs() {
    let image = DynamicImage::from(picture(3000, 1500));
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let taken = reencode(&written(&image, format)).unwrap();
        assert_eq!((taken.width, taken.height), (2048, 1024), "{format:?}");
        let thumbnail = image::load_from_memory_with_format(&taken.thumbnail, ImageFormat::Jpeg).unwrap();
        assert_eq!((thumbnail.width(), thumbnail.height()), (320, 160), "{format:?}");
        assert!(taken.thumbnail.len() < 20_000);
        assert_eq!(colour_at(&taken.jpeg, 10, 900), "red");
        assert_eq!(colour_at(&taken.jpeg, 2000, 900), "blue");
    }
}

#[test]
fn small_and_odd_pictures_keep_their_size() {
    for (width, height) in [(1, 1), (3, 2), (320, 320), (2048, 1)] {
        let taken = reencode(&png(width, height)).unwrap();
        assert_eq!((taken.width, taken.height), (width, height));
    }
    let taken = reencode(&png(16_000, 2)).unwrap();
    assert_eq!((taken.width, taken.height), (2048, 1));
}

#[test]
fn what_the_camera_says_of_its_position_is_carried_out() {
    let upright = jpeg(400, 200);
    // 6: the camera was turned, so the upper edge of what it wrote is at the right.
    let taken = reencode(&with_part(&upright, &exif(6))).unwrap();
    assert_eq!((taken.width, taken.height), (200, 400));
    assert_eq!(colour_at(&taken.jpeg, 195, 200), "green");
    assert_eq!(colour_at(&taken.jpeg, 50, 20), "red");
    // 3: upside down.
    let taken = reencode(&with_part(&upright, &exif(3))).unwrap();
    assert_eq!((taken.width, taken.height), (400, 200));
    assert_eq!(colour_at(&taken.jpeg, 200, 195), "green");
    // Nonsense is no reason to lose the picture.
    for nonsense in [0, 9, 255] {
        assert_eq!(reencode(&with_part(&upright, &exif(nonsense))).unwrap().width, 400);
    }
    // PNG can say it too.
    let plain = png(40, 20);
    let (head, rest) = plain.split_at(33);
    let turned = [head, &chunk(b"eXIf", &exif(6)[10..]), rest].concat();
    assert_eq!(reencode(&turned).unwrap().width, 20);
}

#[test]
fn nothing_but_the_picture_remains() {
    let mut secret = exif(1);
    secret.extend(b"\xff\xfe\0\x1a<script>alert(1)</script>".iter().take(28));
    let file = [with_part(&jpeg(64, 64), &secret), b"PK\x03\x04 behind the end".to_vec()].concat();
    let taken = reencode(&file).unwrap();
    for kept in [&taken.jpeg, &taken.thumbnail] {
        for word in ["Exif", "script", "PK\x03\x04", "behind", "ICC_PROFILE", "http"] {
            let found = kept.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "{word}");
        }
        // The frame of JFIF, tables, and the picture: no other part.
        let known = [0xe0, 0xdb, 0xc0, 0xc4];
        assert!(parts(kept).iter().all(|part| known.contains(part)), "{:x?}", parts(kept));
        assert!(kept.ends_with(&[0xff, 0xd9]));
    }
    // Taken again it changes no more than its pixels.
    assert_eq!(reencode(&taken.jpeg).unwrap().width, 64);
}

#[test]
fn what_is_transparent_becomes_white() {
    let clear = image::RgbaImage::from_pixel(8, 8, image::Rgba([0, 0, 0, 0]));
    let taken = reencode(&written(&clear.into(), ImageFormat::Png)).unwrap();
    let image = image::load_from_memory(&taken.jpeg).unwrap().into_rgb8();
    assert!(image.pixels().all(|pixel| pixel.0.iter().all(|part| *part > 250)));
}

#[test]
fn of_an_animation_the_first_frame_is_kept() {
    let plain = png(20, 10);
    let (head, rest) = plain.split_at(33);
    let frames = [0, 0, 0, 2, 0, 0, 0, 0];
    let mut frame = [0_u32, 20, 10, 0, 0].map(u32::to_be_bytes).concat();
    frame.extend([0, 1, 0, 10, 0, 0]);
    let moving = [head, &chunk(b"acTL", &frames), &chunk(b"fcTL", &frame), rest].concat();
    assert_eq!(reencode(&moving).unwrap().width, 20);

    let still = written(&picture(20, 10).into(), ImageFormat::WebP);
    let pixels = &still[12..];
    let riff = |kind: &[u8], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [kind, &length, data, if data.len() % 2 == 1 { &[0] } else { &[] }].concat()
    };
    let canvas = [2, 0, 0, 0, 19, 0, 0, 9, 0, 0];
    let frame = [&[0, 0, 0, 0, 0, 0, 19, 0, 0, 9, 0, 0, 100, 0, 0, 0][..], pixels].concat();
    let body = [b"WEBP".to_vec(), riff(b"VP8X", &canvas), riff(b"ANIM", &[0; 6]), riff(b"ANMF", &frame)].concat();
    let moving = riff(b"RIFF", &[body, riff(b"ANMF", &frame)].concat());
    assert_eq!(reencode(&moving).unwrap().height, 10);
}

#[test]
fn bombs_are_refused_before_anything_is_decoded() {
    for (width, height) in [(60_000, 60_000), (16_000, 16_000), (u32::MAX, 1), (8000, 7000)] {
        assert_eq!(reencode(&claiming(width, height)), Err(Refused::TooManyPixels), "{width} × {height}");
    }
    assert!(matches!(reencode(&claiming(0, 10)), Err(Refused::Unreadable | Refused::TooManyPixels)));
    let mut file = jpeg(16, 16);
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    file[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert_eq!(reencode(&file), Err(Refused::TooManyPixels));
    assert_eq!(reencode(&vec![0; MAX_BYTES + 1]), Err(Refused::TooLarge));
}

#[test]
fn other_content_is_refused_whatever_it_is_called() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;PK\x03\x04";
    for other in [&svg[..], gif, b"%PDF-1.7", b"PK\x03\x04", b"BM\0\0", b"II*\0", b"<html>", b"\0", b"\xff"] {
        assert_eq!(reencode(other), Err(Refused::Format));
    }
    assert_eq!(reencode(b""), Err(Refused::Empty));
}

#[test]
fn half_a_picture_is_refused() {
    for file in [jpeg(300, 300), with_part(&jpeg(300, 300), &exif(1))] {
        assert_eq!(reencode(&file[..file.len() - 2]), Err(Refused::Incomplete));
        assert!(reencode(&file[..file.len() / 2]).is_err());
    }
    let noise =
        RgbImage::from_fn(200, 200, |x, y| Rgb([(x * y % 251) as u8, (x * 7 % 253) as u8, (y * 13 % 255) as u8]));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Jpeg] {
        let file = written(&noise.clone().into(), format);
        for length in [3, 9, 20, 40, file.len() / 3, file.len() / 2] {
            assert!(reencode(&file[..length]).is_err(), "{length} of {} bytes of {format:?}", file.len());
        }
    }
}

#[test]
fn no_damage_makes_it_panic() {
    for file in [jpeg(48, 48), png(48, 48), written(&picture(48, 48).into(), ImageFormat::WebP)] {
        for at in 0..file.len().min(700) {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = file.clone();
                damaged[at] ^= flip;
                let _ = reencode(&damaged);
            }
        }
    }
}
