-- Where a LoRaWAN network server takes the downlinks of a device: learned from the topic of its uplinks, kept so that a command
-- is in the server's queue before the device transmits again.
create table device_network (
    device_id bigint primary key references device (id) on delete cascade,
    -- `mqtt.external[].name`
    broker text not null constraint device_network_broker_length check (length(broker) between 1 and 200),
    server text not null constraint device_network_server_known check (server in ('chirpstack', 'ttn')),
    -- `application/{id}/device/{DevEUI}` or `v3/{application}@{tenant}/devices/{id}`
    topic text not null constraint device_network_topic_length check (length(topic) between 1 and 1000),
    -- When the uplink was made that told so.
    heard_at timestamptz not null,
    -- Another address that a device of this name was heard at. Names of The Things Stack are of one application only, so it may
    -- be a stranger: nothing is sent until somebody saves the hardware id anew.
    conflict text constraint device_network_conflict_length check (length(conflict) between 1 and 1000)
);
create index device_network_broker on device_network (broker);

-- A command on its way through a network server. `offered` is written before it is published, and it is published from nothing
-- but the two stages before (none, barred): so it is published once, whatever ends in between.
alter table device_command
    add column downlink_stage text constraint device_command_downlink_stage_known check (downlink_stage in
        ('unlistened', 'barred', 'offered', 'handed', 'accepted', 'transmitted', 'unwritable', 'refused', 'missed', 'received')),
    add column downlink_at timestamptz,
    add column downlink_server text constraint device_command_downlink_server_known check (downlink_server in ('chirpstack', 'ttn')),
    -- Whom it was offered to: nobody else's word on it counts.
    add column downlink_broker text constraint device_command_downlink_broker_length check (length(downlink_broker) <= 200),
    add column downlink_base text constraint device_command_downlink_base_length check (length(downlink_base) <= 1000),
    add column downlink_port smallint constraint device_command_downlink_port_range check (downlink_port between 1 and 223),
    add column downlink_bytes bytea constraint device_command_downlink_bytes_length check (length(downlink_bytes) <= 242),
    add column downlink_confirmed boolean,
    add constraint device_command_downlink_whole check (
        (downlink_stage is null) = (downlink_at is null) and (downlink_stage is null) = (downlink_server is null)),
    drop constraint device_command_result_known,
    add constraint device_command_result_known check (result in ('done', 'failed', 'rejected', 'received', 'undelivered'));
