-- Rows of the outbox come by the ten thousand and name the same alert and a few areas. Each was looked up again for each row, which
-- took a fourth of the time that writing them took; here once for a statement, with the same locks and the same refusals.
alter table outbox drop constraint outbox_alert_id_fkey, drop constraint outbox_area_id_fkey, drop constraint outbox_endpoint_id_fkey;

create function check_outbox_names() returns trigger language plpgsql as $$
declare
    wanted record;
    found_alerts bigint;
    found_areas bigint;
    found_endpoints bigint;
begin
    select coalesce(array_agg(distinct alert_id), '{}') as alerts,
        coalesce(array_agg(distinct area_id) filter (where area_id is not null), '{}') as areas,
        coalesce(array_agg(distinct endpoint_id) filter (where endpoint_id is not null), '{}') as endpoints
        into wanted from added;
    select count(*) into found_alerts from (select from alert where id = any (wanted.alerts) for key share) as named;
    select count(*) into found_areas from (select from risk_area where id = any (wanted.areas) for key share) as named;
    select count(*) into found_endpoints from (select from endpoint where id = any (wanted.endpoints) for key share) as named;
    if found_alerts <> cardinality(wanted.alerts) or found_areas <> cardinality(wanted.areas)
        or found_endpoints <> cardinality(wanted.endpoints) then
        raise exception 'a row of the outbox names an alert, an area or an endpoint that does not exist'
            using errcode = 'foreign_key_violation', table = 'outbox';
    end if;
    return null;
end $$;
create trigger outbox_check_names after insert on outbox referencing new table as added
    for each statement execute function check_outbox_names();

-- Alert and endpoint of a row never change (outbox_keep_target).
create function check_outbox_area() returns trigger language plpgsql as $$
begin
    perform from risk_area where id = new.area_id for key share;
    if not found then
        raise exception 'a row of the outbox names the area %, which does not exist', new.area_id
            using errcode = 'foreign_key_violation', table = 'outbox';
    end if;
    return new;
end $$;
create trigger outbox_check_area before update of area_id on outbox for each row
    when (new.area_id is not null and new.area_id is distinct from old.area_id) execute function check_outbox_area();

-- What the outbox names cannot go. After the deletion: it has waited for whoever was writing such a row.
create function keep_named_in_outbox() returns trigger language plpgsql as $$
declare
    is_named boolean;
begin
    if tg_table_name = 'alert' then
        is_named := exists (select from outbox where alert_id = old.id);
    elsif tg_table_name = 'endpoint' then
        is_named := exists (select from outbox where endpoint_id = old.id);
    else
        is_named := exists (select from outbox where area_id = old.id);
    end if;
    if is_named then
        raise exception 'rows of the outbox name % %', tg_table_name, old.id
            using errcode = 'foreign_key_violation', table = 'outbox';
    end if;
    return null;
end $$;
create trigger alert_keep_named_in_outbox after delete on alert for each row execute function keep_named_in_outbox();
create trigger alert_keep_named_id after update of id on alert for each row
    when (old.id <> new.id) execute function keep_named_in_outbox();
create trigger endpoint_keep_named_in_outbox after delete on endpoint for each row execute function keep_named_in_outbox();
create trigger endpoint_keep_named_id after update of id on endpoint for each row
    when (old.id <> new.id) execute function keep_named_in_outbox();
create trigger risk_area_keep_named_in_outbox after delete on risk_area for each row execute function keep_named_in_outbox();
create trigger risk_area_keep_named_id after update of id on risk_area for each row
    when (old.id <> new.id) execute function keep_named_in_outbox();
