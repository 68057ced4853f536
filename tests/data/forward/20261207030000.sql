-- Acts of instruments are chained from here on. The first of them covers those before, which have no place of their own: the service reckons
-- these. Later files use this function too.
create function pg_temp.sum_of(of_instrument uuid, place integer, moment timestamptz, who text, what text, was text, became text, asked text,
    before bytea, covers text default null) returns bytea language sql as $$
    select sha256(convert_to('{"act":' || to_json(what) || ',"actor":' || to_json(who) || ',"asked":' || asked || ',"at":"' || to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
        || coalesce(',"covers":' || covers, '') || ',"from":' || to_json(was) || ',"instrument":"' || of_instrument || '","prev":' || coalesce('"' || encode(before, 'hex') || '"', 'null')
        || ',"reason":"","seq":' || place || ',"to":' || to_json(became) || '}', 'UTF8'))
$$;
insert into instrument_act (instrument_id, seq, at, actor, act, from_state, to_state, asked, prev, hash)
select md5('instrument fomento')::uuid, 3, '2026-02-17T13:00:00Z', 'ana', 'monitor', 'execution', 'execution', '{"act": "monitor"}', second.sum,
    pg_temp.sum_of(md5('instrument fomento')::uuid, 3, '2026-02-17T13:00:00Z', 'ana', 'monitor', 'execution', 'execution', '{"act":"monitor"}',
        second.sum)
from (select pg_temp.sum_of(md5('instrument fomento')::uuid, 1, '2026-01-10T12:00:00Z', 'ana', 'open', '', 'draft', '{"kind":"fomento"}',
    null) as sum) first
cross
join lateral (select pg_temp.sum_of(md5('instrument fomento')::uuid, 2, '2026-02-01T12:00:00Z', 'ana', 'start', 'draft', 'execution',
    '{"act":"start"}', first.sum) as sum) second;
update instrument set revision = 3, changed_at = '2026-02-17T13:00:00Z' where id = md5('instrument fomento')::uuid;
