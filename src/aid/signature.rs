//! A signature that was drawn: strokes of points on a field of 600 by 200, as text `x,y x,y;x,y …`. Only numbers within the field are taken,
//! so that what is shown again is lines and nothing else. Pure.

use std::fmt::Write as _;

/// The field it is drawn on, in points.
pub const FIELD: (u16, u16) = (600, 200);
const MOST_STROKES: usize = 60;
const MOST_POINTS: usize = 3000;
/// Fewer are a slip of the finger.
const LEAST_POINTS: usize = 8;

/// Lines on the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(Vec<Vec<(u16, u16)>>);

/// Why it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error("is no drawing of points within 600 by 200")]
    Shape,
    #[error("has too many strokes or points")]
    Long,
    #[error("is too short to be a signature")]
    Short,
}

impl std::str::FromStr for Signature {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let mut strokes = Vec::new();
        let mut points = 0;
        for stroke in text.split(';').filter(|stroke| !stroke.trim().is_empty()) {
            let mut line = Vec::new();
            for point in stroke.split_whitespace() {
                let (x, y) = point.split_once(',').ok_or(Wrong::Shape)?;
                let (x, y): (u16, u16) = (x.parse().map_err(|_| Wrong::Shape)?, y.parse().map_err(|_| Wrong::Shape)?);
                if x > FIELD.0 || y > FIELD.1 {
                    return Err(Wrong::Shape);
                }
                points += 1;
                if points > MOST_POINTS {
                    return Err(Wrong::Long);
                }
                line.push((x, y));
            }
            strokes.push(line);
            if strokes.len() > MOST_STROKES {
                return Err(Wrong::Long);
            }
        }
        if points < LEAST_POINTS { Err(Wrong::Short) } else { Ok(Self(strokes)) }
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, stroke) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_char(';')?;
            }
            for (at, (x, y)) in stroke.iter().enumerate() {
                if at > 0 {
                    f.write_char(' ')?;
                }
                write!(f, "{x},{y}")?;
            }
        }
        Ok(())
    }
}

impl Signature {
    /// The lines.
    pub fn strokes(&self) -> &[Vec<(u16, u16)>] {
        &self.0
    }

    /// Data of an SVG path.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for stroke in &self.0 {
            for (at, (x, y)) in stroke.iter().enumerate() {
                let _ = write!(path, "{}{x} {y}", if at == 0 { "M" } else { "L" });
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_drawn_is_kept_and_shown_as_lines() {
        let text = "1,2 3,4 5,6 7,8;10,20 30,40 50,60 600,200";
        let drawn: Signature = text.parse().unwrap();
        assert_eq!(drawn.to_string(), text);
        assert_eq!(drawn.path(), "M1 2L3 4L5 6L7 8M10 20L30 40L50 60L600 200");
    }

    #[test]
    fn nothing_but_points_of_the_field_is_taken() {
        let long = "1,1 ".repeat(MOST_POINTS + 1);
        let many = "1,1;".repeat(MOST_STROKES + 1);
        for (text, why) in [
            ("", Wrong::Short),
            ("1,2 3,4", Wrong::Short),
            ("601,0 1,1 1,1 1,1 1,1 1,1 1,1 1,1", Wrong::Shape),
            ("-1,0", Wrong::Shape),
            ("\"><script>", Wrong::Shape),
            (&long, Wrong::Long),
            (&many, Wrong::Long),
        ] {
            assert_eq!(text.parse::<Signature>(), Err(why), "{}", &text[..text.len().min(20)]);
        }
    }
}
