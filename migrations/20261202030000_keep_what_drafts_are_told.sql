-- What an alert is based on, said in the other languages of the templates: {"en": "Based on the warning of …"}. The town's own
-- language has it in `attribution`.
alter table alert
    add column attribution_lines jsonb not null default '{}' constraint alert_attribution_lines_object
        check (jsonb_typeof(attribution_lines) = 'object'),
    -- A person said until when it holds: no clock gives it another time.
    add column expiry_chosen boolean not null default false;
update alert set expiry_chosen = true where edited and state in ('draft', 'submitted');
