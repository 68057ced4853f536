-- The first of two persons stands behind a draft, and takes it back.
insert into alert_approval (alert_id, revision, staff_id, act, at) values
    (md5('alert rascunho editado')::uuid, 3, md5('staff davi')::uuid, 'approve', '2026-02-01T15:00:00Z'),
    (md5('alert rascunho editado')::uuid, 3, md5('staff davi')::uuid, 'withdraw', '2026-02-01T15:05:00Z');
