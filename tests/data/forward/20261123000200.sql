-- Acts of a person and of nobody known; the database chains them.
insert into audit_event (id, at, actor_kind, actor, actor_id, via, address, act, object_kind, object, reason, before, after) values
    (md5('audit 1')::uuid, '2026-02-01T08:00:00Z', 'staff', 'ana', md5('staff ana')::uuid, 'console', '192.0.2.10', 'staff.create', 'staff', 'gil',
        '', null, '{"roles": ["operator", "auditor", "privacy_officer"]}'),
    (md5('audit 2')::uuid, '2026-02-01T08:05:00.123456Z', 'anonymous', '', null, 'public', '2001:db8::7', 'session.refuse', 'staff', '',
        'senha errada — três vezes', null, null);
