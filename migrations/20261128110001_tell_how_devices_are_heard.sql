-- The door a device was last heard through: the built-in endpoint, where alone the service knows who is connected; an external
-- broker; a LoRaWAN network server, whose devices hear no command of ours; or HTTP, where nothing listens. Empty until it is
-- heard, or heard of from before this was kept.
alter table device add column heard_by text not null default ''
    constraint device_heard_by_known check (heard_by in ('', 'mqtt', 'broker', 'network', 'http'));

-- When the offset of a device's clock was measured: by a message that told the time and came straight from the device. Other
-- messages say nothing about the clock, and may come long after.
alter table device_report add column clock_at timestamptz;
