-- Outlets that left the list before they were forgotten: what was sent to them keeps no address either.
delete from notice n using press_delivery d, press_outlet o
where n.id = d.notice_id and o.id = d.outlet_id and o.removed_at is not null and n.purpose = 'press_release';
