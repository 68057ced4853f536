-- What was kept beside the acts is chained too: meetings, seats, votes, minutes and resolutions of bodies, steps, changes and credits of budgets,
-- money and documents of instruments, documents of cases. The database adds a link with each row, of the row as it was written; the service
-- reckons the chain anew (`kernel::chain`) and holds each row against its last link.
create table chain_link (
    kind text not null constraint chain_link_kind_known check (kind in ('case', 'instrument', 'body', 'budget')),
    -- The case, instrument, body or bill whose chain it is.
    subject uuid not null,
    seq integer not null constraint chain_link_seq_positive check (seq > 0),
    -- The row: its table, and its key within the subject.
    table_name text not null,
    key text not null,
    -- What it covers of the row: columns that come later are covered by later links.
    columns text[] not null,
    -- Of the row's `jsonb` with these columns, as it writes itself in UTC.
    row_sha256 bytea not null constraint chain_link_row_sha256_length check (length(row_sha256) = 32),
    prev bytea constraint chain_link_prev_length check (length(prev) = 32),
    hash bytea not null constraint chain_link_hash_length check (length(hash) = 32),
    constraint chain_link_pkey primary key (kind, subject, seq),
    constraint chain_link_chained check ((prev is null) = (seq = 1))
);
create trigger chain_link_append_only before update or delete or truncate on chain_link
    for each statement execute function refuse_rewrite();

-- Adds a link behind the last one. The subject's row is held, so that no two are added at one place; whoever refers to it waits for nobody.
create function chain_row(of_kind text, of_subject uuid, of_table text, of_key text, value jsonb) returns void
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    before record;
    place integer;
    names text[];
    digest bytea;
begin
    case of_kind
        when 'case' then perform from case_file where id = of_subject for no key update;
        when 'instrument' then perform from instrument where id = of_subject for no key update;
        when 'body' then perform from body where id = of_subject for no key update;
        when 'budget' then perform from budget_bill where id = of_subject for no key update;
    end case;
    select seq, hash into before from chain_link where kind = of_kind and subject = of_subject order by seq desc limit 1;
    place := coalesce(before.seq, 0) + 1;
    names := array(select jsonb_object_keys(value));
    digest := sha256(convert_to(value::text, 'UTF8'));
    -- The same text as `kernel::chain::hash` makes: JSON with sorted keys and without spaces.
    insert into chain_link (kind, subject, seq, table_name, key, columns, row_sha256, prev, hash)
        values (of_kind, of_subject, place, of_table, of_key, names, digest, before.hash, sha256(convert_to(
            format('{"columns":["%s"],"key":%s,"kind":"%s","prev":%s,"row":"%s","seq":%s,"subject":"%s","table":"%s"}',
                array_to_string(names, '","'), to_json(of_key), of_kind, coalesce('"' || encode(before.hash, 'hex') || '"', 'null'),
                encode(digest, 'hex'), place, of_subject, of_table), 'UTF8')));
end $$;
revoke execute on function chain_row(text, uuid, text, text, jsonb) from public;

-- Arguments: the kind of subject, the column that leads to it, the column that tells the row from others of the subject. Bytes stay out: their
-- hash stands beside them.
create function chain_kept_row() returns trigger language plpgsql security definer
    set search_path = public, pg_temp set timezone = 'UTC' set bytea_output = 'hex' as $$
declare
    value jsonb := to_jsonb(new) - '{bytes,pdf}'::text[];
    leads uuid := (value ->> tg_argv[1])::uuid;
begin
    leads := case tg_argv[1]
        when 'meeting_id' then (select m.body_id from body_meeting m where m.id = leads)
        when 'item_id' then (select m.body_id from body_item i join body_meeting m on m.id = i.meeting_id where i.id = leads)
        when 'change_id' then (select c.bill_id from budget_change c where c.id = leads)
        else leads end;
    perform chain_row(tg_argv[0], leads, tg_table_name, value ->> tg_argv[2], value);
    return null;
end $$;

-- What stands here from before is covered now, in the order of its making as far as its keys tell.
create function chain_what_was_kept() returns void language plpgsql
    set search_path = public, pg_temp set timezone = 'UTC' set bytea_output = 'hex' as $$
declare
    one record;
begin
    for one in
        select 1 as place, 'case' as kind, t.case_id as subject, 'case_document' as of_table, t.id::text as key, to_jsonb(t) as value from case_document t
        union all select 2, 'instrument', t.instrument_id, 'instrument_money', t.seq::text, to_jsonb(t) from instrument_money t
        union all select 3, 'instrument', t.instrument_id, 'instrument_document', t.id::text, to_jsonb(t) from instrument_document t
        union all select 4, 'body', t.id, 'body', t.id::text, to_jsonb(t) from body t
        union all select 5, 'body', t.body_id, 'body_seat', t.id::text, to_jsonb(t) from body_seat t
        union all select 6, 'body', t.body_id, 'body_mandate', t.id::text, to_jsonb(t) from body_mandate t
        union all select 7, 'body', t.body_id, 'body_meeting', t.id::text, to_jsonb(t) from body_meeting t
        union all select 8, 'body', m.body_id, 'body_call', t.id::text, to_jsonb(t)
            from body_call t join body_meeting m on m.id = t.meeting_id
        union all select 9, 'body', m.body_id, 'body_item', t.id::text, to_jsonb(t)
            from body_item t join body_meeting m on m.id = t.meeting_id
        union all select 10, 'body', m.body_id, 'body_document', t.id::text, to_jsonb(t)
            from body_document t join body_item i on i.id = t.item_id join body_meeting m on m.id = i.meeting_id
        union all select 11, 'body', m.body_id, 'body_attendance', t.id::text, to_jsonb(t)
            from body_attendance t join body_meeting m on m.id = t.meeting_id
        union all select 12, 'body', m.body_id, 'body_recusal', t.id::text, to_jsonb(t)
            from body_recusal t join body_item i on i.id = t.item_id join body_meeting m on m.id = i.meeting_id
        union all select 13, 'body', m.body_id, 'body_vote', t.id::text, to_jsonb(t)
            from body_vote t join body_item i on i.id = t.item_id join body_meeting m on m.id = i.meeting_id
        union all select 14, 'body', m.body_id, 'body_decision', t.item_id::text, to_jsonb(t)
            from body_decision t join body_item i on i.id = t.item_id join body_meeting m on m.id = i.meeting_id
        union all select 15, 'body', t.body_id, 'body_resolution', t.id::text, to_jsonb(t) from body_resolution t
        union all select 16, 'body', t.body_id, 'body_snapshot', t.id::text, to_jsonb(t) from body_snapshot t
        union all select 17, 'budget', t.id, 'budget_bill', t.id::text, to_jsonb(t) from budget_bill t
        union all select 18, 'budget', t.bill_id, 'budget_act', t.id::text, to_jsonb(t) from budget_act t
        union all select 19, 'budget', t.bill_id, 'budget_change', t.id::text, to_jsonb(t) from budget_change t
        union all select 20, 'budget', c.bill_id, 'budget_decision', t.change_id::text, to_jsonb(t)
            from budget_decision t join budget_change c on c.id = t.change_id
        union all select 21, 'budget', t.bill_id, 'budget_import', t.id::text, to_jsonb(t) from budget_import t
        union all select 22, 'budget', t.bill_id, 'budget_publication', t.id::text, to_jsonb(t) from budget_publication t
        order by 3, 1, 5
    loop
        perform chain_row(one.kind, one.subject, one.of_table, one.key, one.value - '{bytes,pdf}'::text[]);
    end loop;
end $$;
select chain_what_was_kept();
drop function chain_what_was_kept();

create trigger case_document_chain after insert on case_document for each row execute function chain_kept_row('case', 'case_id', 'id');
create trigger instrument_money_chain after insert on instrument_money
    for each row execute function chain_kept_row('instrument', 'instrument_id', 'seq');
create trigger instrument_document_chain after insert on instrument_document
    for each row execute function chain_kept_row('instrument', 'instrument_id', 'id');
create trigger body_chain after insert or update on body for each row execute function chain_kept_row('body', 'id', 'id');
create trigger body_seat_chain after insert or update on body_seat for each row execute function chain_kept_row('body', 'body_id', 'id');
create trigger body_mandate_chain after insert or update on body_mandate for each row execute function chain_kept_row('body', 'body_id', 'id');
create trigger body_meeting_chain after insert or update on body_meeting for each row execute function chain_kept_row('body', 'body_id', 'id');
create trigger body_call_chain after insert on body_call for each row execute function chain_kept_row('body', 'meeting_id', 'id');
create trigger body_item_chain after insert or update on body_item for each row execute function chain_kept_row('body', 'meeting_id', 'id');
create trigger body_document_chain after insert on body_document for each row execute function chain_kept_row('body', 'item_id', 'id');
create trigger body_attendance_chain after insert on body_attendance for each row execute function chain_kept_row('body', 'meeting_id', 'id');
create trigger body_recusal_chain after insert on body_recusal for each row execute function chain_kept_row('body', 'item_id', 'id');
create trigger body_vote_chain after insert on body_vote for each row execute function chain_kept_row('body', 'item_id', 'id');
create trigger body_decision_chain after insert on body_decision for each row execute function chain_kept_row('body', 'item_id', 'item_id');
create trigger body_resolution_chain after insert or update on body_resolution
    for each row execute function chain_kept_row('body', 'body_id', 'id');
create trigger body_snapshot_chain after insert on body_snapshot for each row execute function chain_kept_row('body', 'body_id', 'id');
create trigger budget_bill_chain after insert or update on budget_bill for each row execute function chain_kept_row('budget', 'id', 'id');
create trigger budget_act_chain after insert on budget_act for each row execute function chain_kept_row('budget', 'bill_id', 'id');
create trigger budget_change_chain after insert on budget_change for each row execute function chain_kept_row('budget', 'bill_id', 'id');
create trigger budget_decision_chain after insert on budget_decision
    for each row execute function chain_kept_row('budget', 'change_id', 'change_id');
create trigger budget_import_chain after insert on budget_import for each row execute function chain_kept_row('budget', 'bill_id', 'id');
create trigger budget_publication_chain after insert on budget_publication
    for each row execute function chain_kept_row('budget', 'bill_id', 'id');

-- What an act of an instrument left: the hash of all its money and of its document. None in acts from before: the next one covers what they left.
alter table instrument_act add column covers jsonb constraint instrument_act_covers_object check (jsonb_typeof(covers) = 'object');
