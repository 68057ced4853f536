// What is done with bytes from outside, one function a parser. The fuzzer calls them with inputs of its own making, and
// tests/it/corpora.rs with everything it once found worth keeping. A panic is a fault; so is a broken promise below.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::TimeZone as _;
use rusmpp::decode::DecodeWithLength as _;
use sentinela::alerts::cap::{validate, xml};
use sentinela::alerts::templates::Templates;
use sentinela::backfill as past;
use sentinela::catalogue::{self, Format};
use sentinela::config::{self, Config};
use sentinela::dispatch::channels::smpp;
use sentinela::dispatch::{receipts, sms_text};
use sentinela::feeds::formats::{ana, cemaden, inmet, rio};
use sentinela::feeds::warnings::{self as outside, inmet as inmet_warnings, listing};
use sentinela::fleet::downlink::{self, Server};
use sentinela::hexadecimal::hex;
use sentinela::i18n::Lang;
use sentinela::ids::{DatastreamId, DeviceId};
use sentinela::ingest::decode::{Door, decode};
use sentinela::ingest::devices::{DeviceEntry, StreamEntry};
use sentinela::ingest::formats::profile::Profile;
use sentinela::ingest::{Source, formats, topic as topics};
use sentinela::reports::{self, mail, place, sms};
use sentinela::residents::grammar;
use sentinela::risk::Rule;
use sentinela::rota::read as rota;
use sentinela::stations::certificate::{self as certificates, Certificate};
use sentinela::units::{Quantity, StreamKind};
use sentinela::web::pages::preferences::local_path;
use sentinela::web::{cookie as cookies, json};

static DEVICE: LazyLock<DeviceEntry> = LazyLock::new(|| {
    let rain = StreamEntry {
        id: DatastreamId(1),
        quantity: Quantity::Rain,
        unit: "mm".into(),
        kind: StreamKind::IntervalSum,
        tip_mm: Some(0.2),
        interval_s: Some(600),
        range: None,
    };
    let streams = Arc::new(HashMap::from([("rain".to_owned(), rain)]));
    DeviceEntry {
        id: DeviceId(1),
        code: "A-1".into(),
        enabled: true,
        secret_sha256: [0; 32],
        secret_was_used: true,
        previous: None,
        certificates: Vec::new(),
        streams,
        profile: String::new(),
    }
});

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let nothing = ::config::Environment::default().source(Some(HashMap::new()));
    Config::layered(None, nothing).expect("the defaults")
});

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// The same device with a profile of each kind: by path, by bytes, by name; with factors, offsets and values that are none.
static PROFILED: LazyLock<Vec<(DeviceEntry, config::Ingest)>> = LazyLock::new(|| {
    let profiles = serde_json::json!([
        {"name": "paths", "at": "time", "fields": [
            {"from": "object.weather.rain", "stream": "rain", "factor": 0.2},
            {"from": "rain", "stream": "rain", "unit": "mm", "offset": -1.5, "missing": [65535, -999]}]},
        {"name": "bytes", "format": "chirpstack", "fields": [
            {"from": "u16be@2", "stream": "rain", "factor": 0.2, "port": 2, "missing": [65535]},
            {"from": "f32le@0", "stream": "rain", "factor": 1e300}, {"from": "i24le@1", "stream": "snow"}]},
        {"name": "ttn", "format": "ttn", "fields": [{"from": "u8@0", "stream": "rain", "factor": -1e-300}]},
        {"name": "names", "format": "senml", "fields": [{"from": "a:rain", "stream": "rain", "unit": "count"}]}
    ]);
    let profiles: Vec<Profile> = serde_json::from_value(profiles).expect("profiles");
    assert!(profiles.iter().all(|profile| profile.problem().is_none()));
    profiles.into_iter().map(profiled).collect()
});

fn profiled(profile: Profile) -> (DeviceEntry, config::Ingest) {
    let device = DeviceEntry { profile: profile.name.clone(), ..DEVICE.clone() };
    (device, config::Ingest { profiles: vec![profile], ..CONFIG.ingest.clone() })
}

/// A payload of a device, over MQTT or HTTP; of devices without a profile and with one.
pub fn payload(data: &[u8]) {
    told(data, &DEVICE, &CONFIG.ingest);
    for (device, limits) in &*PROFILED {
        told(data, device, limits);
    }
    // And one of the input's own making: its first line says where the value is.
    if let Some(end) = data.iter().take(100).position(|byte| *byte == b'\n') {
        let field = serde_json::json!({"from": text(&data[..end]), "stream": "rain", "factor": 0.1});
        let profile = serde_json::json!({"name": "own", "at": "time", "fields": [field]});
        let (device, limits) = profiled(serde_json::from_value(profile).expect("a profile"));
        told(&data[end + 1..], &device, &limits);
    }
    let _ = formats::native::parse(data);
}

fn told(data: &[u8], device: &DeviceEntry, limits: &config::Ingest) {
    let now = chrono::Utc.with_ymd_and_hms(2026, 2, 22, 12, 0, 0).single().expect("an instant");
    let door = Door { source: Source::Http, device, topic: None, format: None, now, limits, max_bytes: 64 * 1024 };
    // A message holds so many readings, each of which may be told to every field of the profile.
    let fields = limits.profiles.first().map_or(1, |profile| profile.fields.len());
    for format in std::iter::once(None).chain(formats::Format::ALL.iter().copied().map(Some)) {
        let decoded = decode(data, &Door { format, ..door });
        assert_eq!(decoded.problems.len(), decoded.quarantined.len(), "{format:?}: whatever is refused is kept");
        assert!(decoded.readings.len() <= formats::MAX_READINGS * fields, "{format:?}: {}", decoded.readings.len());
        for reading in &decoded.readings {
            let id = reading.message_id.as_deref().unwrap_or_default();
            assert!(!id.contains('\0'), "PostgreSQL cannot keep it");
            assert!(reading.observed_at <= now + chrono::TimeDelta::days(1), "nothing from the far future");
        }
    }
}

/// An answer of an outside feed: whatever it says, its readings are in order and its numbers are numbers.
pub fn feed(data: &[u8]) {
    let parsers =
        [cemaden::parse, cemaden::parse_hourly, cemaden::parse_table, ana::parse, ana::parse_legacy, inmet::parse];
    for parse in parsers {
        let Ok(parsed) = parse(data) else { continue };
        assert!(parsed.observed.is_sorted_by_key(|one| one.at));
        assert!(parsed.observed.iter().all(|one| one.value.is_finite() && !one.station.is_empty()));
    }
    let _ = (cemaden::parse_catalogue(data), inmet::parse_catalogue(data));
    for interval_s in [None, Some(300), Some(900)] {
        let read = rio::parse(data, interval_s).unwrap_or_default();
        assert!(read.observed.iter().all(|one| one.value.is_finite() && one.interval_s.is_some()));
    }
}

/// A list of warnings, or one of them: whatever it says, what is kept stays within its bounds and can be kept.
pub fn outside_warning(data: &[u8]) {
    let mut all = inmet_warnings::parse(data).unwrap_or_default().warnings;
    if let Ok(found) = listing::parse(data, "https://exemplo.gov.br/avisos") {
        assert!(found.links.iter().all(|link| link.url.starts_with("http")));
        all.extend(found.parsed.warnings);
    }
    for warning in &all {
        assert!(!warning.identifier.is_empty() && !warning.sender.is_empty());
        assert!(warning.raw.len() <= outside::MAX_RAW && warning.geocodes.len() <= outside::MAX_GEOCODES);
        let texts =
            [&warning.headline, &warning.description, &warning.instruction, &warning.event, &warning.identifier];
        assert!(texts.iter().all(|text| !text.contains('\0')), "PostgreSQL cannot keep it");
        let on_earth = |point: &geo::Coord<f64>| point.x.abs() <= 180.0 && point.y.abs() <= 90.0;
        let rings = warning.polygons.iter().chain(warning.circles.iter()).map(geo::Polygon::exterior);
        for ring in rings {
            assert!(ring.0.len() >= 4 && ring.0.iter().all(on_earth) && ring.0.first() == ring.0.last());
        }
    }
}

/// What a device says of itself, and its answer to a command.
pub fn status(data: &[u8]) {
    let (status, problems) = formats::status::parse(data);
    assert!(status.battery_pct.is_none_or(|pct| (0.0..=100.0).contains(&pct)));
    assert!(status.firmware.is_none_or(|name| !name.is_empty() && name.chars().count() <= 100));
    assert!(problems.iter().all(|problem| !problem.field.is_empty()));
    for format in [formats::Format::Chirpstack, formats::Format::Ttn] {
        let _ = formats::status::of_network(data, format);
        let server = Server::of(format).expect("both are network servers");
        for event in ["event/ack", "event/txack", "event/log", "down/ack", "down/failed"] {
            let word = downlink::word(server, event, data);
            assert!(word.is_none_or(|word| word.message.chars().count() <= 500));
        }
    }
    if let Ok(ack) = sentinela::fleet::command::parse_ack(data) {
        assert!(ack.message.chars().count() <= 500);
    }
}

/// The topic of a message.
pub fn topic(data: &[u8]) {
    let text = text(data);
    if let Some((code, _)) = topics::parse(&text) {
        assert!(!code.is_empty() && !code.contains('/'));
    }
}

/// A CAP message of somebody else; what we write of it reads the same.
pub fn cap(data: &[u8]) {
    let Ok(text) = xml::decode(data) else { return };
    for alert in xml::parse_all(&text).unwrap_or_default() {
        let _ = (validate::check(&alert), validate::check_public(&alert), validate::advise(&alert));
    }
    if let Ok(alert) = xml::parse(&text)
        && validate::check(&alert).is_empty()
    {
        let written = xml::write(&alert);
        let again = xml::parse(&written).expect("what we write can be read");
        assert_eq!(xml::write(&again), written, "the same bytes again");
    }
}

/// A signed CAP message of a stranger: nobody is trusted, so nothing is ever verified.
pub fn signature(data: &[u8]) {
    use sentinela::alerts::cap::signature::{Trusted, Verification, detached, verify};
    let Ok(text) = xml::decode(data) else { return };
    assert!(!matches!(verify(&text, &Trusted::default()), Verification::Verified(_)), "a stranger was trusted");
    let middle = text.len() / 2;
    if let Some(inner) = detached(&text, middle / 2, text.len() - middle / 2) {
        let _ = verify(&inner, &Trusted::default());
    }
    let _ = Trusted::default().add_pem("stranger", &text);
}

fn records(format: Format, data: &[u8]) {
    let Ok(records) = catalogue::read(format, data) else { return };
    let _ = catalogue::parse_areas(&records);
    let _ = catalogue::parse_stations(&records);
    let _ = catalogue::parse_residents(&records);
    let _ = catalogue::parse_readings(&records);
}

/// A GeoJSON file to import.
pub fn catalogue_geojson(data: &[u8]) {
    records(Format::GeoJson, data);
}

/// A CSV file to import.
pub fn catalogue_csv(data: &[u8]) {
    records(Format::Csv, data);
    let _ = catalogue::normal_phone(&text(data));
}

/// A table of the past; its first byte chooses the mapping.
pub fn history(data: &[u8]) {
    let Some((which, table)) = data.split_first() else { return };
    let ready = &past::READY[usize::from(*which) % past::READY.len()];
    let mapping = past::Mapping::parse(ready.name, ready.text).expect("a mapping that comes with the program");
    let now = chrono::Utc.with_ymd_and_hms(2026, 2, 22, 12, 0, 0).unwrap();
    let Ok(Ok(mut reader)) = past::Reader::open(table, &mapping, Some("X"), now) else { return };
    let (mut observations, mut problems) = (Vec::new(), catalogue::Problems::default());
    let _ = reader.read(usize::MAX, &mut observations, &mut problems);
    assert!(observations.iter().all(|seen| seen.observed_at <= now && seen.value.is_finite()));
    assert!(observations.is_sorted_by_key(|seen| seen.line), "rows are told in their order");
}

/// A text that becomes an SMS.
pub fn sms_text(data: &[u8]) {
    let text = text(data);
    let length = sms_text::measure(&text);
    match sms_text::encode(&text, 7) {
        Ok(encoded) => assert_eq!(encoded.parts.len(), length.segments.max(1), "what was measured is what is sent"),
        Err(too_many) => assert!(too_many.0 > 255),
    }
    let plain = sms_text::transliterate(&text);
    assert_eq!(sms_text::transliterate(&plain), plain, "once is enough");
}

/// A receipt of an SMS centre: state, own id, text.
pub fn receipt(data: &[u8]) {
    let (state, rest) = data.split_first().map_or((None, data), |(state, rest)| (Some(*state), rest));
    let text = text(rest);
    let (id, body) = text.split_once('\n').unwrap_or(("", &text));
    for (id, state) in [(None, None), (Some(id), None), (None, state), (Some(id), state)] {
        let network_error = state.map(|state| (state, u16::from(state)));
        let parameters = receipts::Parameters { message_id: id.map(str::to_owned), state, network_error };
        if let Some(receipt) = receipts::read(body, &parameters, &["001".to_owned()]) {
            assert!(!receipt.error.contains('\0'), "PostgreSQL cannot keep it");
            assert!(!receipt.message_id.contains('\0'), "PostgreSQL cannot keep it");
            assert_eq!(receipts::normal_id(&receipt.message_id), receipt.message_id, "once is enough");
            assert!(!receipts::spellings(&receipt.message_id).is_empty());
        }
    }
    assert!(receipts::telephone_key(&text).len() <= 8);
}

/// A PDU of an SMS centre, without its length: what its `deliver_sm` or `data_sm` says must be fit to be kept.
pub fn smpp_event(data: &[u8]) {
    let mut bytes = bytes::BytesMut::from(data);
    let Ok((command, _)) = rusmpp::Command::decode(&mut bytes, data.len()) else { return };
    let incoming = match command.pdu() {
        Some(rusmpp::Pdu::DeliverSm(message)) => smpp::read(message, &[]),
        Some(rusmpp::Pdu::DataSm(message)) => smpp::read_data(message, &[]),
        _ => return,
    };
    assert!(!incoming.raw.is_empty() && !incoming.address.contains('\0'));
    if let Some(receipt) = incoming.receipt {
        assert!(!receipt.message_id.contains('\0'), "PostgreSQL cannot keep it");
    }
}

/// What an SMS gateway tells over HTTP: receipts and messages, as JSON and as a form.
pub fn gateway_callback(data: &[u8]) {
    use sentinela::config::HttpCallbacks;
    use sentinela::dispatch::gateway::callback::{Call, Callbacks};
    const DESCRIBED: [&str; 2] = [
        "check = 'token'\nsecret = 'sixteen-letters-1'\nheader = 'x'\n[receipts]\nlist = '/r'\nmessage_id = '/id'\nstatus = '/s'\n\
         error = '/e'\nto = '/to'\ndelivered = ['1']\nundelivered = ['2']\n[messages]\nlist = '/r'\nfrom = '/id'\ntext = '/s'",
        "check = 'twilio'\nsecret = 'sixteen-letters-1'\nheader = 'x'\n[receipts]\nmessage_id = 'id'\nstatus = 's'\nerror = 'e'\n\
         to = 'to'\ndelivered = ['1']\nundelivered = ['2']\n[messages]\nfrom = 'id'\ntext = 's'",
    ];
    let text = text(data);
    let query = text.split_once('\n').map_or("", |(query, _)| query);
    for described in DESCRIBED {
        let config: HttpCallbacks = toml::from_str(described).expect("a description");
        let callbacks = Callbacks::new(&config).expect("a description");
        for is_json in [true, false] {
            let call = Call { query, is_json, body: data };
            assert!(
                !callbacks.guard.admits(&HeaderMap::new(), &call, "https://town.test/"),
                "nobody without a signature"
            );
            let receipts = callbacks.receipts.as_ref().and_then(|receipts| receipts.read(&call).ok());
            let messages = callbacks.messages.as_ref().and_then(|messages| messages.read(&call).ok());
            for incoming in receipts.into_iter().chain(messages).flatten() {
                let receipt = incoming.receipt.as_ref();
                let kept =
                    [&incoming.address, &incoming.words].into_iter().chain(receipt.map(|receipt| &receipt.error));
                assert!(kept.chain(receipt.map(|receipt| &receipt.message_id)).all(|text| !text.contains('\0')));
            }
        }
    }
}

/// A letter to the address for returns.
pub fn bounce(data: &[u8]) {
    use sentinela::dispatch::bounces;
    let ring = sentinela::vault::Ring::new("service", &[[7; 32]], &sentinela::ids::Ids::seeded(1));
    if let Ok(bounce) = bounces::read(data, "bounces", &ring) {
        panic!("nobody can make such an address, nor such an id: {bounce:?}");
    }
    for told in bounces::recipients(&text(data)) {
        assert!(!told.error.contains('\0') && told.error.chars().count() <= 200, "{told:?}");
    }
}

/// An SMS of a person's, in each coding, and the places that people write.
pub fn report_sms(data: &[u8]) {
    for coding in [0, 3, 8, 4] {
        let words = sms_text::decode(data, coding);
        if let Some(message) = sms::read(&words) {
            assert!(!message.words.chars().any(char::is_control), "PostgreSQL cannot keep it");
            assert!(message.words.chars().count() <= 1000 && message.place.chars().count() <= 500);
        }
        if let Some((lon, lat)) = place::coordinates(&words) {
            assert!(place::is_possible(lon, lat));
        }
        let order = grammar::read(&words);
        assert!(order.is_none() || sms::by_signs(&words).is_none(), "whoever speaks of a danger orders nothing");
        let folded = reports::words::fold(&words);
        assert_eq!(reports::words::fold(&folded), folded, "once is enough");
    }
}

/// A letter.
pub fn report_mail(data: &[u8]) {
    if let Ok(letter) = mail::read(data) {
        assert!(
            letter.words.chars().count() <= reports::MAX_WORDS && letter.pictures.len() <= reports::MAX_PHOTOGRAPHS
        );
        assert!(!letter.words.contains('\0') && letter.from.contains('@'));
    }
}

/// An address as somebody writes it, and a file of them.
pub fn address(data: &[u8]) {
    use sentinela::addresses::file::{Source, Town, read};
    use sentinela::addresses::{key, written};
    let text = text(data);
    for mode in [written::Mode::Field, written::Mode::Text] {
        for reading in written::read(&text, mode) {
            assert!(reading.cep.is_none_or(|cep| cep.len() == 8 && cep.bytes().all(|byte| byte.is_ascii_digit())));
            assert!(reading.number != Some(0) && reading.name.iter().all(|word| !word.is_empty()));
        }
    }
    // Shown once more it is the same.
    let shown = key::shown(&text);
    assert_eq!(key::shown(&shown), shown);
    for source in [Source::Cnefe, Source::Own] {
        if let Ok(contents) = read(source, data, &Town::default()) {
            let rows = contents.register.rows();
            let (streets, _) = contents.register.finish();
            assert!(streets.len() as u64 <= rows && streets.iter().all(|street| !street.words.is_empty()));
        }
    }
}

/// A calendar of turns.
pub fn calendar(data: &[u8]) {
    let from = chrono::Utc.with_ymd_and_hms(2026, 2, 1, 0, 0, 0).single().expect("an instant");
    let until = from + chrono::TimeDelta::days(400);
    if let Ok(read) = rota::read(&text(data), CONFIG.municipality.time_zone, (from, until), 1) {
        assert!(read.turns.iter().all(|turn| turn.from < turn.until && turn.until > from && turn.from < until));
        assert!(read.turns.iter().all(|turn| (1..=5).contains(&turn.layer)));
    }
}

/// A file of rules.
pub fn rule(data: &[u8]) {
    let _ = Rule::parse("rule.toml", &text(data));
}

/// A file of words for alerts.
pub fn template(data: &[u8]) {
    let _ = Templates::check(&text(data));
}

/// Cookies, and the way back after signing in.
pub fn cookie(data: &[u8]) {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(data) {
        headers.insert(header::COOKIE, value);
        if let Some(found) = cookies::read(&headers, cookies::SESSION) {
            assert!(!found.contains(';'));
        }
    }
    let text = text(data);
    let path = local_path(&text);
    assert!(path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\"), "{path}");
    assert!(!path.contains(|letter: char| letter.is_control()), "{path:?}");
    let base = url::Url::parse("https://alerta.example.org/console").expect("an address");
    let went = base.join(path).expect("a path");
    assert_eq!(went.host_str(), Some("alerta.example.org"), "{path:?} leads away");
}

/// `Accept-Language`, and tags in files.
pub fn language(data: &[u8]) {
    let text = text(data);
    let _ = (Lang::from_accept(&text), Lang::from_tag(&text));
}

/// A JSON body of the API, read strictly.
pub fn json_body(data: &[u8]) {
    use sentinela::web::api::{alerts, incidents};
    let _ = json::read::<alerts::draft::NewDraft>(data);
    let _ = json::read::<alerts::draft::Edit>(data);
    let _ = json::read::<incidents::Note>(data);
    if let Err(error) = json::read::<serde_json::Value>(data) {
        assert!(error.status().is_client_error());
    }
}

/// A certificate that a device shows, or that somebody registers.
pub fn certificate(data: &[u8]) {
    if let Ok(read) = Certificate::from_der(data) {
        assert_eq!(certificates::from_hex(&hex(&read.fingerprint)), Some(read.fingerprint));
        assert!(read.names().all(|name| name.len() <= data.len()));
    }
    let text = text(data);
    let _ = (Certificate::from_pem(&text), certificates::from_hex(&text));
}

/// Feeds of the press, and rules of people over what they say.
pub fn media_feed(data: &[u8]) {
    use sentinela::secretariat::media_monitoring::parse::{self, Around};
    use sentinela::secretariat::media_monitoring::query::{MOST_LETTERS, Query, Story};
    use sentinela::secretariat::media_monitoring::{link, twins};
    let base = url::Url::parse("https://jornal.example/rss.xml").expect("an address");
    let around = Around { content_type: "", base: Some(&base), tz: CONFIG.municipality.time_zone };
    if let Ok(parsed) = parse::parse(data, around) {
        assert!(parsed.items.len() <= parse::MOST_ITEMS);
        for item in &parsed.items {
            assert!((1..=parse::TITLE).contains(&item.title.chars().count()));
            assert!(item.excerpt.chars().count() <= parse::EXCERPT);
            assert!((1..=parse::GUID).contains(&item.guid.chars().count()) && !item.guid.contains('\0'));
            assert!(!item.title.contains(char::is_control) && !item.excerpt.contains(char::is_control));
            // An address that is kept stays as it is.
            assert!(
                item.link.is_empty() || link::normalised(&item.link, None).as_ref() == Some(&item.link),
                "{}",
                item.link
            );
            let print = twins::Print::of(&item.title, &item.excerpt);
            assert_eq!(twins::Print::kept(&item.title, print.simhash()), print);
        }
    }
    match Query::parse(&text(data)) {
        Ok(query) => assert!(!query.matches(&Story::of("", ""))),
        Err(fault) => assert!((1..=MOST_LETTERS + 1).contains(&fault.column), "{fault}"),
    }
}
