-- A clock that drifts is a fault of its own.
alter table station_fault drop constraint station_fault_kind_known;
alter table station_fault add constraint station_fault_kind_known check (kind in
    ('silent', 'never_heard', 'late', 'gaps', 'flat', 'stuck', 'disagrees', 'failing', 'clock_ahead', 'clock_behind',
     'clock_drifts', 'battery_low'));

-- Of the last new answer of a feed: readings of our stations that fit none of their streams, and why the first of them does not.
alter table feed
    add column unfit integer not null default 0,
    add column unfit_why text not null default '';
