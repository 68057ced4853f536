-- The door a device was heard through, and when its clock was measured.
update device set heard_by = 'mqtt' where code = 'dl-boa-vista';
update device_report set clock_at = '2026-02-10T14:10:00Z';
