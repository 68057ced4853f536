//! The chart of the command out of who holds what. Pure.

use std::fmt::Write as _;

use super::{Holding, Position};

/// Who may report to one person before it is too many (ICS: three to seven).
pub const MOST_REPORTS: usize = 7;

/// A box of the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub position: Position,
    /// Name of a branch, division or group.
    pub unit: String,
    /// None: the position has no holder.
    pub holder: Option<Holding>,
    pub under: Vec<Node>,
}

impl Node {
    /// Whether more report to it than one person can lead.
    pub fn is_overloaded(&self) -> bool {
        self.under.len() > MOST_REPORTS
    }

    fn leaves(&self) -> usize {
        self.under.iter().map(Self::leaves).sum::<usize>().max(1)
    }

    fn depth(&self) -> usize {
        1 + self.under.iter().map(Self::depth).max().unwrap_or(0)
    }

    /// Every box with how deep it stands, from the top.
    pub fn flat(&self) -> Vec<(usize, &Self)> {
        let mut all = vec![(0, self)];
        for child in &self.under {
            all.extend(child.flat().into_iter().map(|(depth, node)| (depth + 1, node)));
        }
        all
    }
}

/// Positions that the chart shows also without a holder: command and general staff.
const ALWAYS: [Position; 8] = [
    Position::Commander,
    Position::Safety,
    Position::Liaison,
    Position::PublicInformation,
    Position::Operations,
    Position::Planning,
    Position::Logistics,
    Position::Finance,
];

/// The chart of those who hold a position now. Whoever reports to a position that nobody holds keeps their place under its empty box; a
/// division whose branch is not there stands under the operations.
pub fn chart(holdings: &[Holding]) -> Node {
    let now: Vec<&Holding> = holdings.iter().filter(|one| one.until_at.is_none()).collect();
    node(Position::Commander, None, &now)
}

fn node(position: Position, own: Option<&Holding>, all: &[&Holding]) -> Node {
    let single = || all.iter().copied().find(|one| one.position == position);
    let holder = if position.is_named() { own } else { single() };
    let mut under = Vec::new();
    for below in Position::ALL.iter().copied().filter(|below| below.reports_to() == Some(position)) {
        if below.is_named() {
            let mut own: Vec<&Holding> =
                all.iter().copied().filter(|one| one.position == below && branch_of(one, all).is_none()).collect();
            own.sort_by_key(|one| one.unit.to_lowercase());
            under.extend(own.into_iter().map(|one| node(below, Some(one), all)));
        } else {
            let child = node(below, None, all);
            if child.holder.is_some() || !child.under.is_empty() || ALWAYS.contains(&below) {
                under.push(child);
            }
        }
    }
    if position == Position::Branch
        && let Some(own) = own
    {
        let mut parts: Vec<&Holding> =
            all.iter().copied().filter(|one| branch_of(one, all).is_some_and(|branch| branch.id == own.id)).collect();
        parts.sort_by_key(|one| (one.position, one.unit.to_lowercase()));
        under.extend(parts.into_iter().map(|one| node(one.position, Some(one), all)));
    }
    let unit = own.map(|one| one.unit.clone()).unwrap_or_default();
    Node { position, unit, holder: holder.cloned(), under }
}

/// The branch that a division or group belongs to, where it is there.
fn branch_of<'a>(one: &Holding, all: &[&'a Holding]) -> Option<&'a Holding> {
    if one.under.is_empty() || one.position == Position::Branch {
        return None;
    }
    let name = one.under.to_lowercase();
    all.iter().copied().find(|other| other.position == Position::Branch && other.unit.to_lowercase() == name)
}

const BOX: (usize, usize) = (184, 52);
const GAP: (usize, usize) = (14, 34);

/// The chart as a drawing for print: boxes with lines, the position above the name. `label` gives a box its first line, `nobody` stands where
/// nobody holds it, and `title` names the drawing.
pub fn svg(root: &Node, title: &str, nobody: &str, label: &dyn Fn(&Node) -> String) -> String {
    let (wide, tall) = (root.leaves() * (BOX.0 + GAP.0) + GAP.0, root.depth() * (BOX.1 + GAP.1) + GAP.1);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}" role="img" aria-label="{}" font-family="sans-serif"><rect width="{wide}" height="{tall}" fill="white"/>"#,
        escaped(title)
    );
    draw(root, (GAP.0, GAP.1 / 2), (nobody, label), &mut out);
    out.push_str("</svg>");
    out
}

/// Draws a box with all below it; `left` and `top` are its corner. Gives back where the middle of its upper edge is.
fn draw(
    node: &Node,
    (left, top): (usize, usize),
    words: (&str, &dyn Fn(&Node) -> String),
    out: &mut String,
) -> (usize, usize) {
    let wide = node.leaves() * (BOX.0 + GAP.0) - GAP.0;
    let middle = left + wide / 2;
    let mut at = left;
    for child in &node.under {
        let (x, y) = draw(child, (at, top + BOX.1 + GAP.1), words, out);
        let half = top + BOX.1 + GAP.1 / 2;
        let _ = write!(out, r##"<path d="M{middle} {} V{half} H{x} V{y}" fill="none" stroke="#666"/>"##, top + BOX.1);
        at += child.leaves() * (BOX.0 + GAP.0);
    }
    let dash = if node.holder.is_some() { "" } else { r#" stroke-dasharray="4 3""# };
    let _ = write!(
        out,
        r##"<rect x="{}" y="{top}" width="{}" height="{}" rx="4" fill="white" stroke="#222"{dash}/>"##,
        middle - BOX.0 / 2,
        BOX.0,
        BOX.1
    );
    let name = node.holder.as_ref().map_or(words.0, |one| one.name.as_str());
    for (line, size, weight, down) in [((words.1)(node), 11, "bold", 21), (name.to_owned(), 12, "normal", 39)] {
        let _ = write!(
            out,
            r##"<text x="{middle}" y="{}" font-size="{size}" font-weight="{weight}" text-anchor="middle" fill="#111">{}</text>"##,
            top + down,
            escaped(&short(&line, if size == 11 { 30 } else { 26 }))
        );
    }
    (middle, top)
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most - 1).collect();
    cut.push('…');
    cut
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::Instant;

    fn holding(id: u128, position: Position, unit: &str, under: &str) -> Holding {
        Holding {
            id: Uuid::from_u128(id),
            position,
            unit: unit.into(),
            under: under.into(),
            resource: None,
            name: format!("Pessoa {id} <&>"),
            from_at: Instant::default(),
            from_by: "ana".into(),
            until_at: None,
            until_by: None,
        }
    }

    fn outline(node: &Node) -> Vec<String> {
        let line = |(depth, node): (usize, &Node)| {
            let held = if node.holder.is_some() { "" } else { "?" };
            format!(
                "{}{}{}{held}",
                ".".repeat(depth),
                node.position,
                if node.unit.is_empty() { String::new() } else { format!(" {}", node.unit) }
            )
        };
        node.flat().into_iter().map(line).collect()
    }

    #[test]
    fn an_empty_command_shows_the_positions_that_every_incident_has() {
        let told = outline(&chart(&[]));
        assert_eq!(told.len(), 8, "{told:?}");
        assert!(told.iter().all(|line| line.ends_with('?')));
    }

    #[test]
    fn divisions_stand_under_their_branch_and_under_operations_without_one() {
        let all = [
            holding(1, Position::Operations, "", ""),
            holding(2, Position::Branch, "Norte", ""),
            holding(3, Position::Division, "A", "norte"),
            holding(4, Position::Group, "Vistoria", "não há"),
            holding(5, Position::MedicalUnit, "", ""),
        ];
        let told = outline(&chart(&all));
        for line in
            [".operations", "..branch Norte", "...division A", "..group Vistoria", ".logistics?", "..medical_unit"]
        {
            assert!(told.iter().any(|one| one == line), "{line} is not in {told:?}");
        }
        // Whoever gave up a position is no longer on the chart.
        let over = Holding { until_at: Some(Instant::default()), ..all[1].clone() };
        let told = outline(&chart(&[all[0].clone(), over, all[2].clone()]));
        assert!(told.iter().any(|one| one == "..division A"), "{told:?}");
        // Nobody is lost: each who holds something is in one box.
        let boxes = chart(&all);
        assert_eq!(boxes.flat().iter().filter(|(_, node)| node.holder.is_some()).count(), all.len());
    }

    #[test]
    fn the_drawing_holds_every_name_and_none_breaks_out_of_it() {
        let drawn = svg(&chart(&[holding(7, Position::Commander, "", "")]), "Org \"x\"", "—", &|node: &Node| {
            node.position.to_string()
        });
        assert!(drawn.contains("Pessoa 7 &lt;&amp;&gt;") && drawn.contains("Org &quot;x&quot;"), "{drawn}");
        assert_eq!(drawn.matches("<rect x=").count(), 8);
    }

    #[test]
    fn more_than_seven_who_report_to_one_are_too_many() {
        let groups: Vec<Holding> = (0..8).map(|n| holding(n, Position::Group, &format!("G{n}"), "")).collect();
        let root = chart(&groups);
        let operations = root.under.iter().find(|node| node.position == Position::Operations).unwrap();
        assert!(operations.is_overloaded() && !root.is_overloaded());
    }
}
