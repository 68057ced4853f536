-- What the rules said then: the slope at alert after the rain, the flood plain blind for want of data.
insert into area_level (area_id, cobrade, level, since_at, evaluated_at, rule_id, rule_version, reasons, memory)
select a.id, l.cobrade, l.level, l.since_at, '2026-02-01T00:31:00Z', l.rule, 1, l.reasons::jsonb, l.memory::jsonb
from (values
    ('encosta-boa-vista', '1.1.3.2.1', 'alert', timestamptz '2026-02-01T00:12:30Z', 'chuva-encosta',
        '[{"unit": "mm", "asked": 1, "level": "alert", "value": 41.3, "silent": 0, "address": "alert.1", "measure": "sum", "outcome": "met", "quantity": "rain", "threshold": 40.0, "window_min": 60, "clear_below": 20.0,
           "stations": [{"code": "PLV-01", "name": "Pluviômetro Boa Vista", "fresh": true, "value": 41.3, "observed_at": "2026-02-01T00:10:00Z"}]}]',
        '{"known": "alert", "shown": "alert", "since": 1769904750000000, "met_since": [1769904750000000, 1769904750000000, 1769904750000000, null], "clear_since": null, "known_since": 1769904750000000}'),
    ('varzea-rio-das-pedras', '1.2.1.0.0', 'unknown', '2025-11-03T12:00:00Z', 'rio-inundacao',
        '[{"unit": "m", "asked": 1, "level": "alert", "value": null, "silent": 1, "address": "alert.1", "measure": "latest", "outcome": "no_data", "quantity": "water_level", "threshold": 3.0, "window_min": 60, "clear_below": 2.5,
           "stations": [{"code": "FLV-02", "name": "Régua do Rio das Pedras", "fresh": false, "value": null, "observed_at": null}]}]',
        '{"known": "normal", "shown": "unknown", "since": 1762171200000000, "met_since": [null, null, null, null], "clear_since": null, "known_since": 1762171200000000}'))
    l (area, cobrade, level, since_at, rule, reasons, memory) join risk_area a on a.code = l.area;
insert into level_transition (area_id, cobrade, from_level, to_level, at, journal_seq, rule_id, rule_version, reasons)
select l.area_id, l.cobrade, 'attention', l.level, l.since_at, 5, l.rule_id, l.rule_version, l.reasons from area_level l where l.level = 'alert';
