//! The text of a meeting, drafted from its record: what people then read over, correct and approve. Pure.
//!
//! What is restricted is named by its number alone: minutes are published.

use std::fmt::Write as _;

use chrono_tz::Tz;

use super::{Body, Capacity, Choice, How, Item, MeetingKind, Record, Seat, Vote};
use crate::clock::Instant;

fn when(at: Instant, tz: Tz) -> String {
    at.with_timezone(&tz).format("%d/%m/%Y às %H:%M").to_string()
}

const fn choice(choice: Choice) -> &'static str {
    match choice {
        Choice::For => "a favor",
        Choice::Against => "contra",
        Choice::Abstain => "abstenção",
    }
}

/// The draft. Lines of one paragraph, an empty line between paragraphs.
pub fn draft(body: &Body, record: &Record, seats: &[Seat], tz: Tz) -> String {
    let parts = [
        opening(body, record, tz),
        attendance(record, seats, tz),
        record.items.iter().map(|one| item(one, record)).collect::<Vec<_>>().join("\n\n"),
        ending(record, tz),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn opening(body: &Body, record: &Record, tz: Tz) -> String {
    let meeting = &record.meeting;
    let kind = match meeting.kind {
        MeetingKind::Ordinary => "ordinária",
        MeetingKind::Extraordinary => "extraordinária",
    };
    let started = meeting.opened_at.unwrap_or(meeting.starts_at);
    let mut text = format!(
        "Reunião {kind} nº {}/{} de {}, realizada em {}, em {}.",
        meeting.number,
        meeting.year,
        body.what.name,
        when(started, tz),
        meeting.place
    );
    for call in &record.calls {
        let (nth, outcome) =
            (if call.call == 1 { "primeira" } else { "segunda" }, if call.reached { "houve" } else { "não houve" });
        let _ = write!(
            text,
            "\nEm {nth} chamada {outcome} quórum: {} de {} assentos presentes, {} necessários.",
            call.present, call.seats, call.needed
        );
    }
    text
}

fn attendance(record: &Record, seats: &[Seat], tz: Tz) -> String {
    let mut text = String::from("PRESENÇAS");
    let mut absent = Vec::new();
    let day = record.meeting.starts_at.with_timezone(&tz).date_naive();
    for seat in seats.iter().filter(|seat| seat.is_in_force(day)) {
        match record.present.iter().find(|one| one.seat_id == seat.id) {
            Some(one) => {
                let capacity = if one.capacity == Capacity::Titular { "titular" } else { "suplente" };
                let _ = write!(text, "\n{} – {} ({capacity})", seat.entity, one.person);
            }
            None => absent.push(seat.entity.as_str()),
        }
    }
    if !absent.is_empty() {
        let _ = write!(text, "\nSem representante presente: {}.", absent.join("; "));
    }
    text
}

fn item(item: &Item, record: &Record) -> String {
    let title = if item.restricted { "matéria de acesso restrito" } else { item.title.as_str() };
    let mut text = format!("{}. {title}", item.position);
    if !item.restricted && !item.notes.trim().is_empty() {
        let _ = write!(text, "\n{}", item.notes.trim());
    }
    for one in &item.recused {
        let _ = write!(text, "\nImpedimento declarado: {}.", one.person);
    }
    match &item.decision {
        None => text.push_str("\nSem deliberação."),
        Some(decision) => {
            let outcome = if decision.approved { "Aprovado" } else { "Rejeitado" };
            let _ = write!(
                text,
                "\n{outcome}: {} a favor, {} contra, {} abstenções ({}).",
                decision.votes_for, decision.votes_against, decision.votes_abstain, decision.reason
            );
            if decision.how == How::RollCall && !item.restricted {
                // Who was recused after voting is not counted, and named as recused above.
                let counts = |one: &&Vote| !item.recused.iter().any(|other| other.person_id == one.person_id);
                let votes = item.votes.iter().filter(counts);
                let votes: Vec<String> = votes.map(|one| format!("{}, {}", one.person, choice(one.choice))).collect();
                let _ = write!(text, "\nVotação nominal: {}.", votes.join("; "));
            }
        }
    }
    for one in record.resolutions.iter().filter(|one| one.item_id == item.id) {
        let words = if one.restricted { "texto de acesso restrito." } else { one.text.trim() };
        let _ = write!(text, "\nResolução nº {}/{}: {words}", one.number, one.year);
    }
    text
}

fn ending(record: &Record, tz: Tz) -> String {
    match record.meeting.ended_at {
        Some(at) => format!("A reunião foi encerrada em {}.", when(at, tz)),
        None => String::new(),
    }
}
