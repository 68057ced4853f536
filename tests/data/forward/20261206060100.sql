-- Votes of the council of ethics in a round, what came of it, and the composition that the public reads.
insert into ethics_vote (case_id, round, seat_id, person_id, choice, at, by)
    select md5('case etica')::uuid, 1, m.seat_id, m.person_id, 'for', '2026-01-24T12:00:00Z', 'elisa' from body_mandate m
    where m.body_id = md5('body etica')::uuid;
insert into ethics_decision (case_id, round, body_id, proposal, votes_for, votes_against, votes_abstain, present, seats, quorum, needed, approved,
    reason, at, by) values
    (md5('case etica')::uuid, 1, md5('body etica')::uuid, 'agreement', 2, 0, 0, 2, 2, 2, 1, true, 'maioria simples', '2026-01-24T12:10:00Z', 'elisa');
insert into body_snapshot (body_id, key, document, at, by) values
    (md5('body etica')::uuid, 'composition',
        '{"act": "decree 2/2026", "name": "Conselho de Ética Pública", "seats": [{"role": "chair", "entity": "Defesa Civil", "ended_on": null, "mandates": [{"person": "Otília Brandão", "from_on": "2026-01-05", "capacity": "titular", "until_on": "2028-01-04"}]}]}',
        '2026-01-24T12:20:00Z', 'elisa');
