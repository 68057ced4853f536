-- How a device writes what it measures (`[[ingest.profiles]]`), and the name a network server knows it by (DevEUI, or the
-- device id of The Things Stack).
alter table device
    add column profile text not null default '' constraint device_profile_length check (length(profile) <= 100),
    add column hardware_id text
        constraint device_hardware_unique unique
        constraint device_hardware_shape check (hardware_id ~ '^[a-z0-9][a-z0-9_.:-]{0,63}$');
