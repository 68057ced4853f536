-- A foreign key asks once for every row of the journal, which is half of what an append costs. Every append already holds one lock
-- (0x53454e54, "SENT") until its commit and asks once for all streams and devices of its batch (src/journal/store/references.rs);
-- whoever removes a stream or a device takes the same lock and is refused while the journal speaks of it. So the promise is the same:
-- no row of the journal without its stream and its device.
alter table journal drop constraint journal_datastream_id_fkey, drop constraint journal_device_id_fkey;

create function refuse_while_journaled() returns trigger language plpgsql as $$
declare
    named boolean;
begin
    perform pg_advisory_xact_lock(1397050964);
    -- A statement of its own sees what the appender before committed.
    if tg_table_name = 'datastream' then
        select exists (select from journal where datastream_id = old.id) into named;
    else
        select exists (select from journal where device_id = old.id) into named;
    end if;
    if named then
        raise exception 'the journal speaks of % %', tg_table_name, old.id using errcode = 'foreign_key_violation';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger datastream_journaled before delete or update of id on datastream
    for each row execute function refuse_while_journaled();
create trigger device_journaled before delete or update of id on device
    for each row execute function refuse_while_journaled();
-- No trigger for rows sees a truncation.
create trigger datastream_keep before truncate on datastream for each statement execute function refuse_rewrite();
create trigger device_keep before truncate on device for each statement execute function refuse_rewrite();
