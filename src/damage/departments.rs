//! What departments declare of their own damage, and the answer to it.

use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::desk::{done, open_one, room, tell};
use super::figures::Source;
use super::lines::Line;
use super::store::{declared, entries};
use super::{Declaration, DeclaredLine, Department, MOST_DECLARATIONS};
use crate::accounts::tokens::desk::Acting;
use crate::audit::Act;
use crate::exercises::plan::text;
use crate::i18n::Lang;
use crate::plancon::PlanError;
use crate::plancon::desk::reasoned;
use crate::refused::{FieldError, Refused};

/// What a department declares.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = DamageNewDeclaration)]
#[serde(deny_unknown_fields)]
pub struct NewDeclaration {
    #[schema(value_type = String)]
    pub department: Department,
    /// Who answers for it.
    #[schema(min_length = 1, max_length = 160, pattern = r"\S")]
    pub person: String,
    #[serde(default)]
    #[schema(max_length = 40)]
    pub registry: String,
    /// What it rests on: "Relatório técnico 12/2026".
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    pub document: String,
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub words: String,
    #[schema(min_items = 1, max_items = 34)]
    pub lines: Vec<DeclaredLine>,
}

impl NewDeclaration {
    fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        text(&mut problems, "person", &self.person, 1, 160, true);
        text(&mut problems, "registry", &self.registry, 0, 40, true);
        text(&mut problems, "document", &self.document, 1, 300, true);
        text(&mut problems, "words", &self.words, 0, 4000, false);
        if self.lines.is_empty() || self.lines.len() > Line::ALL.len() {
            let message = format!("expected 1 to {} lines", Line::ALL.len());
            problems.push(FieldError { field: "lines".into(), value: self.lines.len().to_string(), message });
        }
        for (at, one) in self.lines.iter().enumerate() {
            let field = format!("lines[{at}]");
            problems.extend(one.amount.problems(one.line, &format!("{field}.amount")));
            text(&mut problems, &format!("{field}.note"), &one.note, 0, 500, true);
            if self.lines[..at].iter().any(|other| other.line == one.line) {
                let message = "expected each line once".to_owned();
                problems.push(FieldError { field: format!("{field}.line"), value: one.line.to_string(), message });
            }
        }
        problems
    }
}

/// Keeps what a department declares, with its files. It counts when somebody of civil defense adopts it.
///
/// # Errors
/// `Wrong` with every field; `NotFound`; `Conflict`.
pub async fn declare(
    conn: &mut PgConnection,
    by: Acting<'_>,
    id: Uuid,
    (new, files): (&NewDeclaration, &[declared::File]),
) -> Result<Uuid, PlanError> {
    let problems = new.problems();
    if !problems.is_empty() {
        return Err(PlanError::Wrong(problems));
    }
    let dossier = open_one(&mut *conn, id).await?;
    if declared::count(&mut *conn, id).await? >= MOST_DECLARATIONS {
        return Err(Refused::Conflict(format!("a dossier holds at most {MOST_DECLARATIONS} declarations")).into());
    }
    let declaration = by.ids.uuid(by.now);
    let row = declared::New {
        id: declaration,
        disaster: id,
        department: new.department,
        person: new.person.trim(),
        registry: new.registry.trim(),
        document: new.document.trim(),
        words: new.words.trim(),
        lines: &new.lines,
    };
    declared::insert(&mut *conn, &row, (by.now, by.actor.id, &by.actor.name)).await?;
    let mut sums = Vec::new();
    for file in files {
        let sha256 = Sha256::digest(&file.content);
        declared::attach(&mut *conn, (by.ids.uuid(by.now), declaration), file, sha256.as_slice()).await?;
        sums.push(file.name.clone());
    }
    let line = format!("Declaração de danos recebida: {}", new.document.trim());
    tell(&mut *conn, by, &dossier, &line).await?;
    let after = json!({ "declaration": declaration, "department": new.department, "lines": new.lines, "files": sums });
    done(conn, by, &dossier, (Act::DamageDeclare, "", after)).await?;
    Ok(declaration)
}

/// Adopts a declaration, which makes an entry of each of its lines, or returns it with a reason.
///
/// # Errors
/// `Wrong`; `NotFound`; `Conflict` when it was answered.
pub async fn answer(
    conn: &mut PgConnection,
    by: Acting<'_>,
    (id, declaration): (Uuid, Uuid),
    (adopts, words): (bool, &str),
) -> Result<(), PlanError> {
    let words = if adopts && words.trim().is_empty() { String::new() } else { reasoned("answer", words)? };
    let dossier = open_one(&mut *conn, id).await?;
    let found = declared::lock(&mut *conn, declaration).await?.filter(|one| one.disaster_id == id);
    let found: Declaration = found.ok_or_else(|| Refused::NotFound(format!("declaration {declaration}")))?;
    if found.state != "sent" {
        return Err(Refused::Conflict("the declaration was answered already".into()).into());
    }
    if adopts {
        room(&mut *conn, id, found.lines.len()).await?;
        // Printed in the FIDE, so in Portuguese.
        let department = Lang::Pt.t(&format!("damage-department-{}", found.department));
        let because: String =
            format!("{} — {} ({department})", found.document, found.person).chars().take(1000).collect();
        for one in &found.lines {
            let row = entries::New {
                id: by.ids.uuid(by.now),
                line: one.line,
                source: Source::Declaration,
                amount: one.amount,
                inspection: None,
                counted_at: None,
                declaration: Some(declaration),
                because: &because,
            };
            entries::insert(&mut *conn, id, &row, (by.now, &by.actor.name)).await?;
        }
    }
    let state = if adopts { "adopted" } else { "returned" };
    declared::answer(&mut *conn, declaration, (state, &words), (by.now, &by.actor.name)).await?;
    let after = json!({ "declaration": declaration, "state": state });
    Ok(done(conn, by, &dossier, (Act::DamageAnswer, &words, after)).await?)
}
