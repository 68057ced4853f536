-- A volunteer who was called and came, a form that waits for its code, and the nucleus of a neighbourhood.
insert into volunteer (id, name, channel, address, district, skills, language, state, consent_at, created_at) values
    (md5('volunteer nair')::uuid, 'Nair Gomes', 'sms', '+5532900000030', 'Boa Vista', '{cooking,first_aid}', 'pt-BR', 'accepted',
        '2026-02-15T10:00:00Z', '2026-02-15T10:00:00Z');
insert into resident_code (id, channel, address, sealed, created_at, expires_at) values
    (md5('code voluntario')::uuid, 'sms', '+5532900000031', '\x0105', '2026-02-15T10:10:00Z', '2026-02-15T10:20:00Z');
insert into volunteer_signup (code_id, sealed, created_at, expires_at) values
    (md5('code voluntario')::uuid, '\x0106', '2026-02-15T10:10:00Z', '2026-02-15T10:20:00Z');
insert into volunteer_callout (id, incident_id, text, skills, wanted, called_at, called_by, expires_at) values
    (md5('callout 1')::uuid, md5('incident boa vista')::uuid, 'Cozinha no abrigo da escola', '{cooking}', 3, '2026-02-15T11:00:00Z', 'elisa',
        '2026-02-15T17:00:00Z');
insert into volunteer_call (id, callout_id, volunteer_id, notice_id, code, answer, answered_at, answered_how) values
    (md5('call 1')::uuid, md5('callout 1')::uuid, md5('volunteer nair')::uuid, md5('notice chamada')::uuid, '3141', 'yes', '2026-02-15T11:04:00Z',
        'sms');
insert into volunteer_presence (id, volunteer_id, incident_id, task, in_at, in_by, out_at, out_by) values
    (md5('presence 1')::uuid, md5('volunteer nair')::uuid, md5('incident boa vista')::uuid, 'Cozinha', '2026-02-15T12:00:00Z', 'caio',
        '2026-02-15T18:00:00Z', 'caio');
insert into nupdec (id, name, district, created_at) values (md5('nupdec boa vista')::uuid, 'NUPDEC Boa Vista', 'Boa Vista', '2026-02-15T13:00:00Z');
insert into nupdec_member (nupdec_id, volunteer_id, role, since_at) values
    (md5('nupdec boa vista')::uuid, md5('volunteer nair')::uuid, 'coordinator', '2026-02-15T13:00:00Z');
insert into nupdec_drill (nupdec_id, held_on, what, people, noted_by) values
    (md5('nupdec boa vista')::uuid, '2026-02-12', 'Rota de fuga até a escola', 41, 'elisa');
insert into nupdec_radio (nupdec_id, call_sign, channel, noted_by) values (md5('nupdec boa vista')::uuid, 'BV-1', '154,1 MHz', 'elisa');
