-- The account of the exercise's alert, frozen.
insert into delivery_report (alert_id, frozen_at, report)
select a.id, '2026-02-13T18:00:00Z', jsonb_build_object('alert_id', a.id, 'number', a.number, 'kind', a.kind, 'level', a.level, 'status', a.status,
    'headline', a.headline, 'left_at', a.issued_at, 'expires_at', a.expires_at, 'frozen_at', '2026-02-13T18:00:00Z',
    'promised', 1, 'found', 1, 'counts_agree', true, 'repeats', 0, 'failures', '[]'::jsonb, 'suppressed', '[]'::jsonb, 'costs', '[]'::jsonb,
        'unreached', '[]'::jsonb, 'acts', '[]'::jsonb, 'by_provider', '[]'::jsonb, 'by_area', '[]'::jsonb, 'by_grade', '[]'::jsonb,
    'by_channel', '[]'::jsonb, 'times', '{"first_ms": 1000, "half_s": 1, "p95_s": 1, "last_s": 1}'::jsonb,
    'totals', '{"pending": 0, "sending": 0, "accepted": 0, "unknown": 0, "delivered": 1, "rejected": 0, "undelivered": 0, "expired": 0, "suppressed": 0}'::jsonb)
from alert a where a.id = md5('alert do exercicio')::uuid;
