-- A device behind a network server, and a command on its way through it.
insert into device_network (device_id, broker, server, topic, heard_at)
    select id, 'lorawan', 'chirpstack', 'application/7/device/24e124785c123456', '2026-02-10T19:00:00Z' from device where code = 'dl-regua';
insert into device_command (id, device_id, name, args, state, issued_by, issued_at, expires_at, times_sent, sent_at, downlink_stage, downlink_at,
    downlink_server, downlink_broker, downlink_base, downlink_port, downlink_bytes, downlink_confirmed)
select md5('command downlink')::uuid, id, 'set_interval', '{"seconds": 900}', 'sent', 'caio', '2026-02-10T19:05:00Z', '2026-02-11T19:05:00Z', 1,
    '2026-02-10T19:05:01Z', 'handed', '2026-02-10T19:05:01Z', 'chirpstack', 'lorawan',
    'application/7/device/24e124785c123456', 85, '\xff030384', true from device where code = 'dl-regua';
