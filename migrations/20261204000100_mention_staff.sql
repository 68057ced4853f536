-- Notes name people, and correct what was written before. A correction is a new line that points to the old one, which stays.
alter table incident_entry add column corrects bigint references incident_entry (id);
create unique index incident_entry_corrects on incident_entry (corrects) where corrects is not null;
alter table occurrence_event add column corrects bigint references occurrence_event (id);
create unique index occurrence_event_corrects on occurrence_event (corrects) where corrects is not null;

-- Who was named in a note, and whether they have seen it.
create table mention (
    id uuid primary key,
    staff_id uuid not null references staff (id) on delete cascade,
    actor text not null,
    at timestamptz not null,
    entry_id bigint references incident_entry (id),
    event_id bigint references occurrence_event (id),
    read_at timestamptz,
    constraint mention_place_one check (num_nonnulls(entry_id, event_id) = 1)
);
create index mention_unread on mention (staff_id, at) where read_at is null;
create unique index mention_entry_staff on mention (entry_id, staff_id) where entry_id is not null;
create unique index mention_event_staff on mention (event_id, staff_id) where event_id is not null;
