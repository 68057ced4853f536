//! Minutes as PDF.

use chrono_tz::Tz;
use serde::Serialize;

use crate::config::Municipality;
use crate::secretariat::kernel::body::desk::minutes::sum;
use crate::secretariat::kernel::body::{Body, Meeting};

/// File in config/print/.
const TEMPLATE: &str = "minutes.typ";

#[derive(Serialize)]
struct Data<'a> {
    authority: &'a str,
    town: &'a str,
    body: &'a str,
    act: String,
    number: String,
    day: String,
    text: &'a str,
    sha256: String,
    is_draft: bool,
}

/// The document of a text; the same text gives the same bytes.
///
/// # Errors
/// The template's.
pub async fn pdf(
    town: &Municipality,
    (body, meeting): (&Body, &Meeting),
    text: &str,
    is_draft: bool,
) -> anyhow::Result<Vec<u8>> {
    let tz: Tz = town.time_zone;
    let act = &body.what.act;
    let data = Data {
        authority: &town.sender_name,
        town: &town.name,
        body: &body.what.name,
        act: format!("{}, {}", act.number, act.on.format("%d/%m/%Y")),
        number: format!("{}/{}", meeting.number, meeting.year),
        day: meeting.starts_at.with_timezone(&tz).format("%d/%m/%Y").to_string(),
        text,
        sha256: sum(text),
        is_draft,
    };
    Ok(crate::print::render(TEMPLATE, &data, Vec::new()).await?)
}
