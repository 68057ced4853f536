-- In the record of an alert: everything that was looked at when a rule put the area into it (src/risk/explain). Areas that a person chose have none.
alter table alert_area add column explanation jsonb
    constraint alert_area_explanation_object check (jsonb_typeof(explanation) = 'object');
