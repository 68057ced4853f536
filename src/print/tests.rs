use serde_json::json;

use super::*;

fn sample() -> serde_json::Value {
    json!({
        "authority": "Defesa Civil de Juiz de Fora", "title": "Relatório de prova", "number": "1/2026", "printed_at": "29/11/2026 14:30",
        "draft": "MINUTA", "lead": "Palavras com #marcas, *estrelas* e $fórmulas$ ficam palavras: [não é marcação].",
        "rows": [["Mortos", "0"], ["Desabrigados", "12"]], "pictures": ["p0.png"],
    })
}

/// A white square of 2 × 2 pixels.
fn square() -> Vec<u8> {
    let mut bytes = Vec::new();
    image::RgbImage::from_pixel(2, 2, image::Rgb([255, 255, 255]))
        .write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png)
        .expect("a square is written");
    bytes
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let pictures = [("p0.png".to_owned(), square())];
    let first = pdf("sample.typ", &sample(), &pictures).expect("the sample is set");
    let second = pdf("sample.typ", &sample(), &pictures).expect("the sample is set");
    assert!(first.starts_with(b"%PDF-"));
    assert_eq!(first, second);
}

#[test]
fn words_of_people_are_never_read_as_markup() {
    let mut data = sample();
    data["lead"] = json!("#panic(\"executed\") #read(\"/etc/passwd\") = Título\n$ 1/0 $");
    assert!(pdf("sample.typ", &data, &[("p0.png".to_owned(), square())]).is_ok());
}

#[test]
fn what_is_missing_is_told_with_its_line() {
    let told = pdf("sample.typ", &json!({ "title": "x" }), &[]).expect_err("fields are missing").to_string();
    assert!(told.contains("sample.typ:") || told.contains("base.typ:"), "{told}");
    assert!(matches!(pdf("nothing.typ", &sample(), &[]), Err(PrintError::Template(_))));
}

#[test]
fn names_of_pictures_are_few() {
    for good in ["p0.jpg", "photo12.png", "map.png"] {
        assert!(is_name(good), "{good}");
    }
    for bad in ["../p.jpg", "0.jpg", "p.gif", "p1234.jpg", "p0.jpg.png", "", ".png", "averylongname1.jpg"] {
        assert!(!is_name(bad), "{bad}");
    }
    let many = vec![("p0.jpg".to_owned(), Vec::new()); MAX_PICTURES + 1];
    assert!(matches!(pdf("sample.typ", &sample(), &many), Err(PrintError::Pictures(..))));
}
