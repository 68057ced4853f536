//! Thresholds that the rules hold against the streams of a station, of every level and whatever the levels are now. Pure.

use std::collections::BTreeSet;

use geo::BoundingRect as _;

use crate::ids::DatastreamId;
use crate::risk::measure::Measure;
use crate::risk::network::{AreaSpec, Bound, Network, RuleClash};
use crate::risk::rule::{Place, Rule, Subject};
use crate::units::Level;

const KM_PER_DEGREE: f64 = 111.0;

/// From this value on a level is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    pub level: Level,
    pub measure: Measure,
    pub value: f64,
}

/// The rules as they are bound to one station.
#[derive(Debug, Default)]
pub struct Limits(Bound);

impl Limits {
    /// Of the network only what can matter is bound: streams that measure what the station does, and areas within reach.
    ///
    /// # Errors
    /// Two rules that claim the same pair.
    pub fn of(network: &Network, station: &str) -> Result<Self, RuleClash> {
        let own = || network.streams.iter().filter(|stream| stream.station_code == station);
        let quantities: BTreeSet<_> = own().map(|stream| stream.quantity).collect();
        let Some(point) = own().map(|stream| stream.point).next() else { return Ok(Self::default()) };
        let reach_km = network.rules.iter().map(|rule| reach_km(rule, station)).fold(0.0, f64::max);
        let streams = network.streams.iter().filter(|stream| quantities.contains(&stream.quantity));
        let areas = network.areas.iter().filter(|area| is_near(area, point, reach_km));
        let (streams, areas) = (streams.cloned().collect(), areas.cloned().collect());
        Network { streams, areas, rules: network.rules.clone() }.bind().map(Self)
    }

    /// The lowest threshold of each level and measure.
    pub fn on(&self, stream: DatastreamId) -> Vec<Threshold> {
        let mut found: Vec<Threshold> = Vec::new();
        for one in self.all(stream) {
            match found.iter_mut().find(|other| other.level == one.level && other.measure == one.measure) {
                Some(other) => other.value = other.value.min(one.value),
                None => found.push(one),
            }
        }
        found.sort_by(|a, b| a.level.cmp(&b.level).then(a.value.total_cmp(&b.value)));
        found
    }

    fn all(&self, stream: DatastreamId) -> impl Iterator<Item = Threshold> {
        let Self(bound) = self;
        let index = bound.stream_index.get(&stream).copied();
        let pairs = index.and_then(|index| bound.fed_by.get(index)).into_iter().flatten();
        let pairs = pairs.filter_map(|pair| bound.pairs.get(*pair));
        let rules = pairs.filter_map(|pair| Some((pair, bound.rules.get(pair.rule?)?)));
        rules.flat_map(move |(pair, rule)| {
            let stages = index.and_then(|index| bound.streams.get(index)).map(|spec| spec.stages).unwrap_or_default();
            rule.conditions().filter_map(move |(level, condition)| {
                // A threshold of what is computed from several instruments is not one of this.
                if condition.negated || matches!(rule.subject(condition), Subject::Derived(_)) {
                    return None;
                }
                let fed = pair.sources(condition.selector).iter().any(|source| Some(source.stream) == index);
                let (measure, at) = match &condition.measure {
                    Measure::Above(stage) => (Measure::Latest, stages.get(*stage)?.0 + condition.limit.at.0),
                    measure => (measure.clone(), condition.limit.at.0),
                };
                fed.then(|| Threshold { level: level.level, measure, value: crate::units::Fixed(at).to_f64() })
            })
        })
    }
}

/// How far from an area a station may stand for the rule to ask it.
fn reach_km(rule: &Rule, station: &str) -> f64 {
    let reaches = rule.selectors.iter().map(|selector| match &selector.place {
        Place::Inside => 0.0,
        Place::WithinKm(km) | Place::Nearest { within_km: km, .. } => *km,
        Place::Named(codes) if codes.iter().any(|code| code == station) => f64::INFINITY,
        Place::Named(_) => 0.0,
    });
    reaches.fold(0.0, f64::max)
}

/// By the area's box, with a little to spare.
fn is_near(area: &AreaSpec, point: geo::Point<f64>, reach_km: f64) -> bool {
    let Some(around) = area.polygons.bounding_rect() else { return false };
    let spare = reach_km * 1.02 / KM_PER_DEGREE + 1e-6;
    let aside = spare / point.y().to_radians().cos().max(0.01);
    point.x() >= around.min().x - aside
        && point.x() <= around.max().x + aside
        && point.y() >= around.min().y - spare
        && point.y() <= around.max().y + spare
}

#[cfg(test)]
mod tests {
    use geo::{LineString, MultiPolygon, Point, Polygon};

    use super::*;
    use crate::ids::AreaId;
    use crate::risk::control::Limits as Control;
    use crate::risk::counter::Counter;
    use crate::risk::network::StreamSpec;
    use crate::units::{Grade, Quantity, StreamKind};

    const RULE: &str = "id = 'r'\nversion = 1\ntitle = 't'\nhazard = '1.1.3.2.1'\n
        [stations.rain]\nquantity = 'rain'\nnearest = 2\nwithin_km = 5.0\n
        [[levels]]\nlevel = 'attention'\n[[levels.any]]\nstations = 'rain'\nsum = '1h'\nat_least = '20 mm'\n
        [[levels]]\nlevel = 'alert'\n[[levels.any]]\nstations = 'rain'\nsum = '1h'\nat_least = '40 mm'\n
        [[levels.any]]\nstations = 'rain'\nsum = '24h'\nat_least = '80 mm'\n";

    fn gauge(id: i64, east: f64, quantity: Quantity) -> StreamSpec {
        StreamSpec {
            id: DatastreamId(id),
            station_code: format!("S{id}"),
            station_name: format!("S{id}"),
            name: quantity.to_string(),
            point: Point::new(-43.0 + east, -22.0),
            quantity,
            kind: StreamKind::IntervalSum,
            interval: None,
            stale_after: 1,
            limits: Control::default(),
            counter: Counter::default(),
            stages: Default::default(),
        }
    }

    fn area(id: i64, east: f64) -> AreaSpec {
        let x = -43.0 + east;
        let ring = vec![(x, -22.0), (x + 0.01, -22.0), (x + 0.01, -21.99), (x, -21.99), (x, -22.0)];
        AreaSpec {
            id: AreaId(id),
            code: format!("A{id}"),
            name: format!("A{id}"),
            polygons: MultiPolygon(vec![Polygon::new(LineString::from(ring), vec![])]),
            hazards: vec![("1.1.3.2.1".parse().unwrap(), Grade::ALL[0])],
        }
    }

    #[test]
    fn every_level_that_the_rules_hold_against_a_stream_is_told_and_no_other() {
        let network = || Network {
            streams: vec![
                gauge(1, 0.0, Quantity::Rain),
                gauge(2, 0.005, Quantity::Rain),
                gauge(3, 0.03, Quantity::Rain),
                gauge(4, 0.0, Quantity::Flow),
            ],
            areas: vec![area(1, 0.0), area(2, 1.0)],
            rules: vec![Rule::parse("r", RULE).unwrap()],
        };
        let told = |id: i64| -> Vec<(Level, Option<u32>, f64)> {
            let limits = Limits::of(&network(), &format!("S{id}")).unwrap();
            limits.on(DatastreamId(id)).iter().map(|t| (t.level, t.measure.window_min(), t.value)).collect()
        };
        let all =
            [(Level::Attention, Some(60), 20.0), (Level::Alert, Some(60), 40.0), (Level::Alert, Some(24 * 60), 80.0)];
        assert_eq!(told(1), all);
        assert_eq!(told(3), [], "two others are nearer to the only area within reach");
        assert_eq!(told(4), [], "it measures something else");
    }
}
