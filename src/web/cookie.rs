//! Reading and writing the few cookies of the pages.

use axum::http::{HeaderMap, HeaderValue, header};

/// Cookies that open something. Over https they carry the prefix `__Host-`, with which browsers take them only from this very
/// host, over TLS and for all paths: no other host of the domain can plant one.
pub const SESSION: &str = "sentinela_session";
/// A sign-in whose second step is still to come.
pub const STEP: &str = "sentinela_step";
/// A browser somebody signed in from before.
pub const BROWSER: &str = "sentinela_browser";
/// A resident's visit to their own page.
pub const RESIDENT: &str = "sentinela_resident";
/// The code a resident was sent and has not typed yet.
pub const RESIDENT_STEP: &str = "sentinela_resident_step";
/// The code that was asked for to join an exercise or to leave it.
pub const EXERCISE_STEP: &str = "sentinela_exercise_step";
/// The code that was asked for to subscribe.
pub const SIGNUP_STEP: &str = "sentinela_signup_step";
/// The same of whoever registers as a volunteer.
pub const VOLUNTEER_STEP: &str = "sentinela_volunteer_step";
pub const LANGUAGE: &str = "sentinela_lang";
pub const THEME: &str = "sentinela_theme";

/// The value of a cookie the browser sent.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// The name of a cookie that opens something.
fn guarded_name(name: &str, secure: bool) -> String {
    if secure { format!("__Host-{name}") } else { name.to_owned() }
}

/// The value of a cookie that opens something.
pub fn read_guarded<'a>(headers: &'a HeaderMap, name: &str, secure: bool) -> Option<&'a str> {
    read(headers, &guarded_name(name, secure))
}

/// The `Set-Cookie` value of a cookie that opens something.
pub fn write_guarded(name: &str, value: &str, max_age_s: i64, secure: bool) -> HeaderValue {
    write(&guarded_name(name, secure), value, max_age_s, secure)
}

/// A `Set-Cookie` value. `max_age_s` 0 takes the cookie away. Values are our own words and tokens, never input.
pub fn write(name: &str, value: &str, max_age_s: i64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&line).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The value in a `Set-Cookie` line of ours.
pub fn value_of(line: &HeaderValue) -> Option<&str> {
    line.to_str().ok()?.split(';').next()?.split_once('=').map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=1; sentinela_session=xyz ; b=2"));
        assert_eq!(read(&headers, SESSION), Some("xyz"));
        assert_eq!(read(&headers, "session"), None);
    }
}
