//! How long a battery lasts.

/// Days until empty, from the lowest per cent of some days (days before now, per cent) by the line through them. None when
/// there are fewer than three days, or it does not fall.
pub fn days_left(days: &[(f64, f64)]) -> Option<f64> {
    let slope = slope(days)?;
    let (_, last) = days.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0))?;
    (slope < -0.5).then(|| (last / -slope).max(0.0))
}

/// Rise of the second over the first, by least squares; none below three points.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 3 {
        return None;
    }
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let shared: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (spread > 0.0).then(|| shared / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_battery_that_loses_ten_a_day_at_thirty_has_three_days() {
        let left = days_left(&[(-2.0, 50.0), (-1.0, 40.0), (0.0, 30.0)]).unwrap();
        assert!((left - 3.0).abs() < 1e-9, "{left}");
    }

    #[test]
    fn a_battery_that_is_charged_again_has_no_end() {
        assert_eq!(days_left(&[(-2.0, 50.0), (-1.0, 70.0), (0.0, 90.0)]), None);
        assert_eq!(days_left(&[(-1.0, 50.0), (0.0, 10.0)]), None);
    }
}
