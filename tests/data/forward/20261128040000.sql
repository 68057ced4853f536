-- Commands to a device: one that it answered, one that waits.
insert into device_command (id, device_id, name, args, state, issued_by, issued_at, expires_at, times_sent, sent_at, ended_at, result, message)
select md5('command ' || c.name)::uuid, d.id, c.name, c.args::json, c.state, 'caio', '2026-02-10T10:00:00Z', '2026-02-11T10:00:00Z', c.sent,
    c.ended_at, c.ended_at, c.result, c.message
from (values ('set_interval', '{"seconds": 600}', 'acknowledged', 1, timestamptz '2026-02-10T10:00:02Z', 'done', 'ok'),
    ('reboot', '{}', 'queued', 0, null, null, '')) c (name, args, state, sent, ended_at, result, message)
join device d on d.code = 'dl-boa-vista';
update device_report set clock_offset_ms = 640, margin_db = 9, interval_s = 600;
