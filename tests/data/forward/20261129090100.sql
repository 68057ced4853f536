-- A change of level that tells all that was looked at.
insert into level_transition (area_id, cobrade, from_level, to_level, at, journal_seq, rule_id, rule_version, reasons, explanation)
select id, '1.2.1.0.0', 'unknown', 'normal', '2026-02-11T09:00:00Z', 7, 'rio-inundacao', 1, '[]',
    '{"at": "2026-02-11T09:00:00Z", "grade": "R3", "known": "normal", "level": "normal", "rises": null, "since": "2026-02-11T09:00:00Z", "hazard": "1.2.1.0.0", "margin": null, "rule_id": "rio-inundacao", "falls_at": null, "is_blind": false,
    "levels": [{"tree": {"of": [{"join": "condition", "unit": "m", "asked": 1, "level": "alert", "value": 2.31, "silent": 0, "address": "alert.1", "measure": "latest", "outcome": "not_met", "quantity": "water_level", "threshold": 3.0, "window_min": 60, "clear_below": 2.5,
        "stations": [{"code": "FLV-02", "name": "Régua do Rio das Pedras", "fresh": true, "value": 2.31, "observed_at": "2026-02-01T00:10:00Z"}]}], "join": "any", "outcome": "not_met"}, "level": "alert", "for_min": 0, "outcome": "not_met", "in_force": false, "stay_min": 0, "met_since": null, "clear_after_min": 60}],
    "area_code": "varzea-rio-das-pedras", "area_name": "Várzea do Rio das Pedras", "held_back": false, "confidence": {"trust": "high", "because": [], "percent": 90}, "rule_title": "Rio e inundação", "rule_version": 1}'
from risk_area where code = 'varzea-rio-das-pedras';
