//! From metres on the ground to pixels on a picture.

/// A rectangle on a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

impl Area {
    pub const fn new(left: f32, top: f32, width: f32, height: f32) -> Self {
        Self { left, top, width, height }
    }

    pub fn right(self) -> f32 {
        self.left + self.width
    }

    pub fn bottom(self) -> f32 {
        self.top + self.height
    }

    pub fn meets(self, other: Self) -> bool {
        self.left < other.right() && other.left < self.right() && self.top < other.bottom() && other.top < self.bottom()
    }

    pub fn holds(self, other: Self) -> bool {
        self.left <= other.left
            && self.top <= other.top
            && self.right() >= other.right()
            && self.bottom() >= other.bottom()
    }
}

/// The extent about its own middle, made wider or taller until it is `width / height` = `ratio`.
pub fn widened([west, south, east, north]: [f64; 4], ratio: f64) -> [f64; 4] {
    let (width, height) = ((east - west).max(1.0), (north - south).max(1.0));
    let (width, height) = (width.max(height * ratio), height.max(width / ratio));
    let (x, y) = (f64::midpoint(west, east), f64::midpoint(south, north));
    [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0]
}

/// An extent laid into a rectangle, as large as it goes.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    west: f64,
    north: f64,
    pixels_per_metre: f64,
    latitude: f64,
    pub area: Area,
}

impl Frame {
    pub fn new(extent: [f64; 4], area: Area) -> Self {
        let [west, south, east, north] = widened(extent, f64::from(area.width) / f64::from(area.height));
        let middle = f64::midpoint(south, north);
        Self { west, north, pixels_per_metre: f64::from(area.width) / (east - west), latitude: latitude(middle), area }
    }

    pub fn at(&self, (x, y): (f64, f64)) -> (f32, f32) {
        let right = (x - self.west) * self.pixels_per_metre;
        let down = (self.north - y) * self.pixels_per_metre;
        (self.area.left + right as f32, self.area.top + down as f32)
    }

    /// A round length on the ground that takes at most `most` pixels: its metres, and its pixels here. The web's projection
    /// stretches lengths away from the equator.
    pub fn scale(&self, most: f32) -> (f64, f32) {
        let pixels_per_true_metre = self.pixels_per_metre / self.latitude.cos();
        let metres = f64::from(most) / pixels_per_true_metre;
        let ten = 10_f64.powf(metres.log10().floor());
        let round = [5.0, 2.0, 1.0].into_iter().map(|step| step * ten).find(|length| *length <= metres);
        let round = round.unwrap_or(ten);
        (round, (round * pixels_per_true_metre) as f32)
    }
}

/// Radians, of a northing of the web's projection.
fn latitude(y: f64) -> f64 {
    const RADIUS_M: f64 = 6_378_137.0;
    2.0 * (y / RADIUS_M).exp().atan() - std::f64::consts::FRAC_PI_2
}

/// "500 m", "2 km".
pub fn length(metres: f64) -> String {
    if metres >= 1000.0 { format!("{:.0} km", metres / 1000.0) } else { format!("{metres:.0} m") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUIZ_DE_FORA: [f64; 4] = [-4_830_000.0, -2_490_000.0, -4_820_000.0, -2_480_000.0];

    #[test]
    fn the_extent_fits_whole_and_keeps_its_middle() {
        let [west, south, east, north] = widened([0.0, 0.0, 100.0, 100.0], 2.0);
        assert_eq!([west, south, east, north], [-50.0, 0.0, 150.0, 100.0]);
        let frame = Frame::new(JUIZ_DE_FORA, Area::new(10.0, 20.0, 400.0, 300.0));
        for corner in [(-4_830_000.0, -2_490_000.0), (-4_820_000.0, -2_480_000.0)] {
            let (x, y) = frame.at(corner);
            assert!((10.0..=410.0).contains(&x) && (20.0..=320.1).contains(&y), "{x} {y}");
        }
    }

    #[test]
    fn the_scale_tells_true_lengths_away_from_the_equator() {
        // 10 km of the projection on 500 pixels; at 21.7° south a true kilometre is about 1,077 m of it.
        let frame = Frame::new(JUIZ_DE_FORA, Area::new(0.0, 0.0, 500.0, 500.0));
        let (metres, pixels) = frame.scale(120.0);
        assert_eq!(metres, 2000.0);
        assert!((pixels - 107.6).abs() < 0.5, "{pixels}");
        assert_eq!((length(500.0), length(2000.0)), ("500 m".into(), "2 km".into()));
    }
}
