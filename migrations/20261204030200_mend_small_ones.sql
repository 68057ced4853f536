-- What is wrong with the calendar that a rota follows, so that it can be said in the reader's language.
alter table rota add column feed_problems jsonb not null default '[]';

-- Tests of sirens are acts of their own and no sentences of one language.
alter table maintenance_event drop constraint maintenance_event_act_known;
alter table maintenance_event add constraint maintenance_event_act_known check (act in
    ('opened', 'reopened', 'fault', 'mended', 'assigned', 'noted', 'snoozed', 'woken', 'closed',
     'siren_test_due', 'siren_test_passed', 'siren_test_failed'));

-- Silence is owed by sirens that there are.
delete from siren_owed o where not exists (select from siren s where s.endpoint_id = o.endpoint_id);
alter table siren_owed add constraint siren_owed_endpoint_fkey
    foreign key (endpoint_id) references siren (endpoint_id) on delete cascade;
