-- A change of level that tells all that was looked at.
insert into level_transition (area_id, cobrade, from_level, to_level, at, journal_seq, rule_id, rule_version, reasons, explanation)
select id, '1.2.1.0.0', 'unknown', 'normal', '2026-02-11T09:00:00Z', 7, 'rio-inundacao', 1, '[]', '{"rule": "rio-inundacao", "version": 1, "levels": []}' from risk_area where code = 'varzea-rio-das-pedras';
