-- The desk of occurrences also takes what the press says, to be checked. It is no witness for the rules.
alter table report_cause
    drop constraint report_cause_kind_known,
    add constraint report_cause_kind_known check (kind in
        ('call', 'radio', 'in_person', 'agency', 'alert', 'level', 'reading', 'media'));
