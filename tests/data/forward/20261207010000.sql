-- Whoever sits for a seat in one case alone, and a second round of votes.
insert into ethics_ad_hoc (case_id, seat_id, person_id, act, reason, at, by) values
    (md5('case etica')::uuid, md5('etica seat 2')::uuid, md5('body person gil')::uuid, 'Portaria 14/2026', 'recusas deixaram o conselho sem quórum',
        '2026-01-25T12:00:00Z', 'elisa');
insert into ethics_vote (case_id, round, seat_id, person_id, choice, at, by) values
    (md5('case etica')::uuid, 2, md5('etica seat 2')::uuid, md5('body person gil')::uuid, 'abstain', '2026-01-26T12:00:00Z', 'elisa');
