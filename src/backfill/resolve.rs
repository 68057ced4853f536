//! Which stream an observation belongs to, and its value in the unit the service keeps. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::reader::{Observation, Wanted};
use crate::catalogue::ImportError;
use crate::ids::DatastreamId;
use crate::ingest::quality::{Subject, judge};
use crate::ingest::{NewReading, Source};
use crate::units::{Fixed, Measure, StreamKind};

/// A stream of the catalogue.
#[derive(Clone, Debug)]
pub struct KnownStream {
    pub id: DatastreamId,
    pub name: String,
    pub subject: Subject,
    pub unit: String,
    pub tip_mm: Option<f64>,
}

/// Every stream by its station's code.
pub type KnownStreams = HashMap<String, Vec<KnownStream>>;

/// Where values of one kind and station go.
#[derive(Clone, Copy, Debug)]
struct Target {
    id: DatastreamId,
    subject: Subject,
    factor: f64,
    offset: f64,
}

/// Values that have no place in the catalogue, counted by the reason.
#[derive(Clone, Debug, Default)]
pub struct Unplaced(BTreeMap<String, (u64, usize)>);

impl Unplaced {
    fn count(&mut self, reason: &str, line: usize) {
        if let Some((values, _)) = self.0.get_mut(reason) {
            *values += 1;
            return;
        }
        // A file may name any number of stations; the first thousand reasons are told apart.
        let reason = if self.0.len() < 1000 { reason } else { "other stations and streams" };
        self.0.entry(reason.to_owned()).or_insert((0, line)).0 += 1;
    }

    pub fn total(&self) -> u64 {
        self.0.values().map(|(values, _)| values).sum()
    }

    /// Each reason with the values it cost and the first line.
    pub fn reasons(&self) -> impl Iterator<Item = (&str, u64, usize)> {
        self.0.iter().map(|(reason, (values, line))| (reason.as_str(), *values, *line))
    }
}

/// Looks streams up, each kind and station once.
#[derive(Debug, Default)]
pub struct Resolver {
    streams: KnownStreams,
    found: HashMap<(Arc<str>, usize), Result<Target, String>>,
    pub unplaced: Unplaced,
}

impl Resolver {
    pub fn new(streams: KnownStreams) -> Self {
        Self { streams, ..Self::default() }
    }

    /// A new file numbers its kinds anew.
    pub fn forget_kinds(&mut self) {
        self.found.clear();
        self.unplaced = Unplaced::default();
    }

    /// The reading that an observation is; none when the catalogue has no place for it, which is counted.
    ///
    /// # Errors
    /// A value out of bounds.
    pub fn reading(&mut self, given: &Observation) -> Result<Option<NewReading>, ImportError> {
        let key = (Arc::clone(&given.station), given.wanted.id);
        let streams = &self.streams;
        let target = match self.found.entry(key).or_insert_with(|| target(streams, &given.station, &given.wanted)) {
            Ok(target) => *target,
            Err(reason) => {
                self.unplaced.count(reason, given.line);
                return Ok(None);
            }
        };
        let value = Fixed::try_from(given.value * target.factor + target.offset).map_err(|error| {
            ImportError::new(given.line, None, "value", &given.value.to_string(), error.to_string())
        })?;
        let (quality, quality_reason) = judge(target.subject, value);
        Ok(Some(NewReading {
            datastream_id: target.id,
            device_id: None,
            message_id: None,
            observed_at: given.observed_at,
            value,
            quality,
            quality_reason,
            source: Source::History,
        }))
    }
}

fn target(streams: &KnownStreams, station: &str, wanted: &Wanted) -> Result<Target, String> {
    let known = streams.get(station).ok_or_else(|| format!("station {station} is not in the catalogue"))?;
    let stream = choose(known, wanted).map_err(|reason| format!("station {station}: {reason}"))?;
    let unit = wanted.unit.as_deref().unwrap_or(&stream.unit);
    let interval_s = wanted.interval_s.or(stream.subject.interval_s);
    let measure = Measure { quantity: stream.subject.quantity, interval_s, tip_mm: stream.tip_mm };
    let (factor, offset) = measure
        .conversion(unit)
        .map_err(|refused| format!("station {station}, stream {}: unit {unit:?} {refused}", stream.name))?;
    Ok(Target { id: stream.id, subject: Subject { interval_s, ..stream.subject }, factor, offset })
}

fn choose<'a>(known: &'a [KnownStream], wanted: &Wanted) -> Result<&'a KnownStream, String> {
    if let Some(name) = &wanted.stream {
        return known.iter().find(|stream| stream.name == *name).ok_or_else(|| format!("there is no stream {name}"));
    }
    let Some(quantity) = wanted.quantity else { return Err("nothing says what is measured".into()) };
    let all: Vec<&KnownStream> = known.iter().filter(|stream| stream.subject.quantity == quantity).collect();
    if all.is_empty() {
        return Err(format!("there is no stream of {quantity}"));
    }
    let fitting = |fits: &dyn Fn(&KnownStream) -> bool| all.iter().copied().filter(|stream| fits(stream)).collect();
    let is_sum = |stream: &KnownStream| stream.subject.kind == StreamKind::IntervalSum;
    let mut found: Vec<&KnownStream> = match wanted.interval_s {
        Some(_) => fitting(&|stream| is_sum(stream) && stream.subject.interval_s == wanted.interval_s),
        None => all.clone(),
    };
    if found.is_empty() {
        found = fitting(&|stream| is_sum(stream) && stream.subject.interval_s.is_none());
    }
    match (found.as_slice(), wanted.interval_s) {
        ([one], _) => Ok(one),
        ([], Some(seconds)) => Err(format!(
            "no stream of {quantity} holds sums of {seconds} s; name one in the mapping (stream = …) to bring them in all the same"
        )),
        _ => Err(format!("several streams measure {quantity}; name one in the mapping (stream = …)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Quality, Quantity};

    fn stream(id: i64, name: &str, kind: StreamKind, interval_s: Option<i32>) -> KnownStream {
        let subject = Subject { quantity: Quantity::Rain, kind, interval_s, range: None };
        KnownStream { id: DatastreamId(id), name: name.into(), subject, unit: "mm".into(), tip_mm: None }
    }

    fn resolver() -> Resolver {
        let both = vec![
            stream(1, "rain", StreamKind::IntervalSum, Some(600)),
            stream(2, "rain_1h", StreamKind::IntervalSum, Some(3600)),
        ];
        Resolver::new(HashMap::from([("A1".to_owned(), both)]))
    }

    fn observed(station: &str, id: usize, interval_s: Option<i32>, unit: &str, value: f64) -> Observation {
        let (stream, quantity) = (None, Some(Quantity::Rain));
        Observation {
            line: 7,
            station: station.into(),
            wanted: Arc::new(Wanted { id, stream, quantity, unit: Some(unit.into()), interval_s }),
            observed_at: Default::default(),
            value,
        }
    }

    #[test]
    fn sums_go_to_the_stream_of_their_span_in_its_unit() {
        let mut resolver = resolver();
        let reading = resolver.reading(&observed("A1", 0, Some(3600), "cm", 1.2)).unwrap().unwrap();
        assert_eq!((reading.datastream_id, reading.value), (DatastreamId(2), Fixed::from_whole(12)));
        assert_eq!((reading.source, reading.quality), (Source::History, Quality::Pass));
    }

    #[test]
    fn what_has_no_place_is_counted_by_its_reason() {
        let mut resolver = resolver();
        for (station, id, interval) in [("B2", 0, None), ("B2", 0, None), ("A1", 1, Some(900)), ("A1", 2, None)] {
            assert_eq!(resolver.reading(&observed(station, id, interval, "mm", 1.0)).unwrap(), None);
        }
        let told: Vec<(String, u64, usize)> =
            resolver.unplaced.reasons().map(|(reason, values, line)| (reason.into(), values, line)).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(told[2], ("station B2 is not in the catalogue".into(), 2, 7));
        assert!(told.iter().any(|(reason, ..)| reason.contains("sums of 900 s")), "{told:?}");
        assert_eq!(resolver.unplaced.total(), 4);
    }

    #[test]
    fn what_cannot_have_been_measured_fails_the_range_test() {
        let reading = resolver().reading(&observed("A1", 0, Some(600), "mm", 9999.0)).unwrap().unwrap();
        assert_eq!(reading.quality, Quality::Fail);
    }
}
