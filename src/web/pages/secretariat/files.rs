//! A file that is sent with a form, without JavaScript: the words of the form, the bytes, and what the browser says they are.

use std::collections::BTreeMap;

use axum::extract::Request;
use axum::http::header;
use multer::{Constraints, Multipart, SizeLimit};

/// Bytes of a field beside the file.
const MOST_WORDS: u64 = 8 * 1024;

/// What came with a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    words: BTreeMap<String, String>,
    /// As it is called where it came from.
    file_name: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
}

impl Sent {
    /// What was typed into a field, without what surrounds it.
    pub fn text(&self, name: &str) -> &str {
        self.words.get(name).map(|text| text.trim()).unwrap_or_default()
    }

    /// The name that was typed; none: that of the file.
    pub fn name(&self) -> &str {
        let typed = self.text("name");
        if typed.is_empty() { &self.file_name } else { typed }
    }
}

/// Reads a form with one field `file`. None: it is no such form, it broke off, or the file has more bytes than it may.
pub async fn sent(request: Request, most: usize) -> Option<Sent> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?.to_owned();
    let boundary = multer::parse_boundary(kind).ok()?;
    let most = u64::try_from(most).ok()?;
    let limits = SizeLimit::new().whole_stream(most + 16 * MOST_WORDS).per_field(MOST_WORDS).for_field("file", most);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let mut sent = Sent::default();
    while let Some(field) = form.next_field().await.ok()? {
        let Some(name) = field.name().map(str::to_owned) else { continue };
        if name == "file" {
            // A browser may say a path; only its last part is the name.
            let called = field.file_name().unwrap_or_default();
            called.rsplit(['/', '\\']).next().unwrap_or_default().clone_into(&mut sent.file_name);
            sent.media_type =
                field.content_type().map(|kind| kind.essence_str().to_ascii_lowercase()).unwrap_or_default();
            sent.bytes = field.bytes().await.ok()?.to_vec();
        } else {
            // `csrf` among them: the gate has held it against the session's.
            let text = field.text().await.ok()?;
            sent.words.insert(name, text);
        }
    }
    Some(sent)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn form(bytes: &str) -> Request {
        let body = format!(
            "--X\r\ncontent-disposition: form-data; name=\"kind\"\r\n\r\n reply \r\n--X\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\n\r\n\
             --X\r\ncontent-disposition: form-data; name=\"file\"; filename=\"C:\\\\pasta\\\\oficio.pdf\"\r\ncontent-type: Application/PDF\r\n\r\n{bytes}\r\n--X--\r\n"
        );
        let request = Request::post("/").header(header::CONTENT_TYPE, "multipart/form-data; boundary=X");
        request.body(Body::from(body)).unwrap()
    }

    #[tokio::test]
    async fn a_form_gives_its_words_and_the_file_with_what_it_is() {
        let read = sent(form("%PDF-1"), 100).await.unwrap();
        assert_eq!(
            (read.text("kind"), read.name(), read.media_type.as_str()),
            ("reply", "oficio.pdf", "application/pdf")
        );
        assert_eq!(read.bytes, b"%PDF-1");
        assert_eq!(sent(form(&"x".repeat(101)), 100).await, None, "a byte too many");
        let plain = Request::post("/").body(Body::from("kind=reply")).unwrap();
        assert_eq!(sent(plain, 100).await, None);
    }
}
