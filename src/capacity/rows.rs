//! The rows of the answer, each with its formula. Pure.

use super::words::{bytes, duration, number, percent};
use super::{
    ARCHIVED_PER_HOUR, ARCHIVED_PER_READING, ARCHIVED_PER_RECIPIENT, ARCHIVES_KEPT, AUDIENCE_S_PER_PERSON,
    BYTES_PER_HOUR, BYTES_PER_MESSAGE, BYTES_PER_READING, BYTES_PER_RECIPIENT, Case, DAY_S, INGEST_PER_S, JUDGED_PER_S,
    LOG_BYTES_PER_READING, MEMORY_BASE, MEMORY_PER_STATION, MESSAGES_PER_S, MOST_ARCHIVED, MOST_INSIDE, MOST_READINGS,
    MOST_RECIPIENTS, MOST_STATIONS, Row, Sums, YEAR_DAYS,
};

pub(super) fn readings(case: &Case, sums: &Sums) -> Vec<Row> {
    let many = case.stations > MOST_STATIONS;
    let formula = |interval: f64| format!("{} streams / {} s", number(sums.streams), number(interval));
    vec![
        row("calm_per_s", "readings a second, calm", sums.calm, number, formula(case.interval_s), false),
        row(
            "storm_per_s",
            "readings a second, storm everywhere",
            sums.storm,
            number,
            formula(case.storm_interval_s),
            false,
        ),
        row(
            "ingest_share",
            "of what two cores take in and judge, storm",
            sums.storm / INGEST_PER_S,
            percent,
            format!("/ {} readings/s", number(INGEST_PER_S)),
            many || sums.storm > INGEST_PER_S,
        ),
        row(
            "rules_share",
            "of one core for the rules, rain on every gauge",
            sums.storm / JUDGED_PER_S,
            percent,
            format!("/ {} readings/s", number(JUDGED_PER_S)),
            many,
        ),
        row(
            "memory_bytes",
            "memory of the service",
            sums.memory,
            bytes,
            format!("{} + {} stations × {}", bytes(MEMORY_BASE), number(case.stations), bytes(MEMORY_PER_STATION)),
            many,
        ),
    ]
}

pub(super) fn storage(case: &Case, sums: &Sums) -> Vec<Row> {
    let kept = if case.raw_months > 0.0 {
        format!(
            "{} months whole, then {} streams × 8,766 hours × {} B",
            number(case.raw_months),
            number(sums.streams),
            number(BYTES_PER_HOUR)
        )
    } else {
        "ten years whole".to_owned()
    };
    let (beyond, storm_days) = (sums.a_year > MOST_READINGS, case.storm_days);
    vec![
        row(
            "readings_a_year",
            "readings a year",
            sums.a_year,
            number,
            format!("{} days calm, {} of storm", number(YEAR_DAYS - storm_days), number(storm_days)),
            false,
        ),
        row(
            "storage_a_year_bytes",
            "storage a year",
            sums.storage,
            bytes,
            format!("× {} B", number(BYTES_PER_READING)),
            beyond,
        ),
        row(
            "ten_years_bytes",
            "storage after ten years",
            sums.ten_years,
            bytes,
            kept,
            10.0 * sums.a_year > MOST_READINGS,
        ),
        row(
            "log_a_day_bytes",
            "write-ahead log on a day of storm",
            sums.storm * DAY_S * LOG_BYTES_PER_READING,
            bytes,
            format!("{} readings/s × 86,400 s × {} B", number(sums.storm), number(LOG_BYTES_PER_READING)),
            sums.storm * DAY_S > MOST_READINGS,
        ),
    ]
}

/// What `sentinela backup` writes each night, each time all of it.
pub(super) fn archives(case: &Case, sums: &Sums) -> Vec<Row> {
    let (readings, recipients) = (number(sums.a_year), number(case.recipients));
    let (of_reading, of_recipient) = (number(ARCHIVED_PER_READING), number(ARCHIVED_PER_RECIPIENT));
    let kept = if case.raw_months > 0.0 {
        format!("{} months whole, then hours of {} B", number(case.raw_months), number(ARCHIVED_PER_HOUR))
    } else {
        "ten years whole".to_owned()
    };
    vec![
        row(
            "archive_bytes",
            "one backup after a year",
            sums.archive,
            bytes,
            format!("{readings} readings × {of_reading} B + {recipients} recipients × {of_recipient} B"),
            sums.a_year > MOST_ARCHIVED,
        ),
        row(
            "archives_bytes",
            "the backups that are kept then",
            sums.archive * ARCHIVES_KEPT,
            bytes,
            format!("× {} (`--keep`)", number(ARCHIVES_KEPT)),
            sums.a_year > MOST_ARCHIVED,
        ),
        row(
            "archive_ten_years_bytes",
            "one backup after ten years",
            sums.archive_ten_years,
            bytes,
            kept,
            10.0 * sums.a_year > MOST_ARCHIVED,
        ),
    ]
}

pub(super) fn delivery(case: &Case, sums: &Sums) -> Vec<Row> {
    let beyond = case.recipients > MOST_RECIPIENTS || sums.inside > MOST_INSIDE;
    let inside = number(sums.inside);
    vec![
        row(
            "recipients_bytes",
            "rows of the recipients",
            case.recipients * BYTES_PER_RECIPIENT,
            bytes,
            format!("{} × {} B", number(case.recipients), number(BYTES_PER_RECIPIENT)),
            case.recipients > MOST_RECIPIENTS,
        ),
        row(
            "inside",
            "recipients of a large warning",
            sums.inside,
            number,
            format!("{} % of {}", number(case.inside_percent), number(case.recipients)),
            false,
        ),
        row(
            "audience_s",
            "working out whom it reaches",
            sums.inside * AUDIENCE_S_PER_PERSON,
            duration,
            format!("{inside} × {} µs", number(AUDIENCE_S_PER_PERSON * 1e6)),
            beyond,
        ),
        row(
            "by_service_s",
            "the service could send them in",
            sums.by_service_s,
            duration,
            format!("{inside} / {} messages/s", number(MESSAGES_PER_S)),
            beyond,
        ),
        row(
            "by_contract_s",
            "the contract sends them in",
            sums.by_contract_s,
            duration,
            format!("{inside} × {} segments / {} SMS/s", number(case.segments), number(case.sms_per_second)),
            false,
        ),
        row(
            "contract_needed_per_s",
            "contract that would keep to the time",
            sums.inside * case.segments / case.within_s,
            |value| format!("{} SMS/s", number(value)),
            format!("{inside} × {} segments / {}", number(case.segments), duration(case.within_s)),
            false,
        ),
        row(
            "warning_bytes",
            "rows of one such warning",
            sums.inside * BYTES_PER_MESSAGE,
            bytes,
            format!("{inside} × {} B", number(BYTES_PER_MESSAGE)),
            beyond,
        ),
    ]
}

fn row(
    key: &'static str,
    what: &'static str,
    value: f64,
    show: impl Fn(f64) -> String,
    formula: String,
    is_extrapolated: bool,
) -> Row {
    Row { key, what, value, shown: show(value), formula, is_extrapolated }
}
