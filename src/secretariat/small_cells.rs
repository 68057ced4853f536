//! Small numbers of a table, hidden so that nobody is recognised. Pure.

/// Cells below it are not shown to whoever may not read what is counted.
pub const LEAST: i64 = 5;

/// Hides what is small in the parts of one sum; and as long as the sum would tell what was hidden, the smallest of the others with it.
/// None among what is given is hidden already.
#[must_use]
pub fn hide(mut cells: Vec<Option<i64>>) -> Vec<Option<i64>> {
    let mut hidden = Vec::new();
    for cell in &mut cells {
        if let Some(count) = cell.filter(|count| (1..LEAST).contains(count)) {
            *cell = None;
            hidden.push(count);
        }
    }
    while is_told_by_total(&hidden) {
        let others = cells.iter_mut().filter(|cell| cell.is_some_and(|count| count > 0));
        let Some(next) = others.min_by_key(|cell| **cell) else { return cells };
        hidden.extend(next.take());
    }
    cells
}

/// Whoever knows the sum of what is hidden, and that none is nought, knows each: one alone; all of them one; all of them as large as a
/// small cell can be; or so few in all that the sum itself is small.
fn is_told_by_total(hidden: &[i64]) -> bool {
    let (cells, sum) = (hidden.len() as i64, hidden.iter().sum::<i64>());
    cells == 1 || (cells > 0 && (sum < LEAST || sum == cells || sum == cells * (LEAST - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(all: &[i64]) -> Vec<Option<i64>> {
        hide(all.iter().copied().map(Some).collect())
    }

    #[test]
    fn the_parts_of_a_sum_do_not_tell_what_is_hidden_among_them() {
        assert_eq!(hidden(&[]), []);
        assert_eq!(hidden(&[0, 0]), [Some(0), Some(0)], "none is no small cell");
        assert_eq!(hidden(&[20, 1, 0]), [None, None, Some(0)], "one alone takes the next with it");
        assert_eq!(hidden(&[20, 9, 2, 4]), [Some(20), Some(9), None, None]);
        assert_eq!(hidden(&[1, 1, 1]), [None, None, None]);
    }
}
