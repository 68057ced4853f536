-- Rules in every stage that matters: one that is active, a person's draft of its next version on trial, and what was asked of it.
insert into rule (id, created_at) values ('chuva-encosta', '2025-11-03T12:00:00Z');
insert into rule_version (rule_id, version, text, revision, state, source, product_version, note, written_by, created_at, updated_at, findings,
    checked_at, back_test, back_tested_at, trial_since, activated_at)
select 'chuva-encosta', v.version, replace($toml$id = "chuva-encosta"
version = 1
title = "Chuva em encosta"
hazard = "1.1.3.2.1"

[stations.pluviometros]
quantity = "rain"
within_km = 3.0

[[levels]]
level = "alert"
clear_after_min = 180
any = [
  { stations = "pluviometros", sum = "1h", at_least = "40 mm", clear_below = "20 mm" },
]
$toml$, 'version = 1', 'version = ' || v.version), 1, v.state, v.source, v.product, v.note, v.by, '2026-02-11T10:00:00Z', '2026-02-11T10:00:00Z', null, null, null, null, v.trial_since, v.activated_at
from (values (1, 'active', 'product', 1, '', null::uuid, null::timestamptz, timestamptz '2025-11-03T12:00:00Z'),
    (2, 'trial', 'person', null, 'Mais sensível na Boa Vista', md5('staff elisa')::uuid, '2026-02-11T10:30:00Z', null)) v (version, state, source,
        product, note, by, trial_since, activated_at);
insert into rule_act (rule_id, version, revision, at, actor, staff_id, act, state, reason) values
    ('chuva-encosta', 1, 1, '2025-11-03T12:00:00Z', 'product', null, 'activate', 'active', ''),
    ('chuva-encosta', 2, 1, '2026-02-11T10:30:00Z', 'elisa', md5('staff elisa')::uuid, 'try', 'trial', 'antes do verão');
insert into trial_transition (rule_id, rule_version, area_id, cobrade, from_level, to_level, at, journal_seq, reasons)
    select 'chuva-encosta', 2, id, '1.1.3.2.1', 'normal', 'alert', '2026-02-11T11:00:00Z', 7, '[]' from risk_area where code = 'encosta-boa-vista';
insert into trial_level (rule_id, rule_version, area_id, cobrade, level, since_at, memory)
select 'chuva-encosta', 2, area_id, cobrade, 'alert', '2026-02-11T11:00:00Z', memory from area_level where cobrade = '1.1.3.2.1';
insert into rule_preview (rule_id, version, revision, days, state, asked_by, asked_at, steps, done, ended_at) values
    ('chuva-encosta', 2, 1, 30, 'done', 'elisa', '2026-02-11T10:10:00Z', 4320, 4320, '2026-02-11T10:12:00Z');
