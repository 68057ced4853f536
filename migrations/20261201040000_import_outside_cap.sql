-- How a warning of another institution came here, and what became of its signature.
alter table outside_warning
    -- By a feed, or brought by a person: a file, an address, a text, the API or a command.
    add column way text not null default 'feed'
        constraint outside_warning_way_known check (way in ('feed', 'file', 'url', 'text', 'api', 'command')),
    -- The file's name or the address, and who brought it; empty for a feed.
    add column way_name text not null default '' constraint outside_warning_way_name_length check (length(way_name) <= 500),
    add column brought_by text not null default '',
    -- unsigned; valid by a certificate that this source is trusted by; unknown: by a key that nobody here trusts; invalid:
    -- refused. The reason says why.
    add column signature text not null default 'unsigned'
        constraint outside_warning_signature_known check (signature in ('unsigned', 'valid', 'unknown', 'invalid')),
    add column signed_by text not null default '',
    add column signature_why text not null default '',
    -- Its source has to sign and this one is not signed as it must be: kept and shown to staff, never acted upon.
    add column quarantined boolean not null default false,
    add constraint outside_warning_quarantine_signature check (not (quarantined and signature = 'valid'));

-- How much of the area lies under the warning, 0 to 1. A warning without a shape that names the municipality covers all of it.
alter table outside_warning_area
    add column share double precision not null default 1
        constraint outside_warning_area_share_range check (share >= 0 and share <= 1),
    add column by_geocode boolean not null default false;

-- The share of an area that lies under some ground. Most areas lie under a warning whole or not at all, so that is asked first.
create function area_covered(area geometry, ground geometry) returns double precision
    language sql immutable parallel safe
    return case when st_area(area) = 0 then 1 when st_covers(ground, area) then 1
                else least(1, greatest(0, st_area(st_intersection(area, ground)) / st_area(area))) end;

-- What the ground of two warnings has in common, as a share of the smaller: an update often names a part of what it is about.
create function ground_in_common(a_polygons geometry, a_circles geometry, b_polygons geometry, b_circles geometry)
    returns double precision language sql immutable parallel safe
    return (select case when st_area(a) > 0 and st_area(b) > 0 and a && b
                        then least(1, st_area(st_intersection(a, b)) / least(st_area(a), st_area(b))) else 0 end
            from (select st_union(array[a_polygons, a_circles]) as a, st_union(array[b_polygons, b_circles]) as b) as grounds);

-- What somebody brought and has not kept yet: looked at first. Kept for a day.
create table warning_import (
    id uuid primary key,
    created_at timestamptz not null,
    author text not null,
    way text not null constraint warning_import_way_known check (way in ('file', 'url', 'text')),
    name text not null,
    -- Whose words they are: a feed of the configuration, or what people bring by hand.
    source text not null constraint warning_import_source_length check (length(source) between 1 and 100),
    body bytea not null constraint warning_import_body_length check (length(body) <= 4194304)
);

-- An alert of our own that was made from another institution's warning says so for good.
alter table alert
    -- "Com base no aviso do INMET nº 28277/2026, de 16/09/2026." For the message's parameter `basedOn`.
    add column attribution text constraint alert_attribution_length check (length(attribution) between 1 and 500),
    add column based_on_warning_id bigint references outside_warning (id) on delete set null;
create index alert_based_on_warning on alert (based_on_warning_id) where based_on_warning_id is not null;

-- What is no real warning cannot become a real alert, whatever program writes it; and what an alert is based on stays said.
create function keep_basis_of_alert() returns trigger language plpgsql as $$
declare
    theirs text;
begin
    select status into theirs from outside_warning where id = new.based_on_warning_id;
    if theirs is not null and theirs <> 'Actual' and new.status = 'actual' then
        raise exception 'the outside warning % has the status %: no actual alert is made from it', new.based_on_warning_id, theirs
            using errcode = 'restrict_violation';
    end if;
    if tg_op = 'UPDATE' and old.attribution is not null and old.attribution is distinct from new.attribution then
        raise exception 'alert %: what it is based on cannot be taken back', old.id using errcode = 'restrict_violation';
    end if;
    if tg_op = 'UPDATE' and old.based_on_warning_id is not null and new.based_on_warning_id is not null
       and old.based_on_warning_id <> new.based_on_warning_id then
        raise exception 'alert %: what it is based on cannot be exchanged', old.id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger alert_keep_basis before insert or update of attribution, based_on_warning_id, status on alert
    for each row when (new.based_on_warning_id is not null or new.attribution is not null)
    execute function keep_basis_of_alert();
-- An update that clears both is caught by itself.
create trigger alert_keep_attribution before update of attribution on alert
    for each row when (old.attribution is not null and new.attribution is null) execute function keep_basis_of_alert();

-- The warning that an open alert of ours is based on was replaced, cancelled or ended by its publisher: somebody has to look.
create table warning_notice (
    alert_id uuid not null references alert (id) on delete cascade,
    -- The later message.
    warning_id bigint not null references outside_warning (id) on delete cascade,
    kind text not null constraint warning_notice_kind_known check (kind in ('updated', 'cancelled')),
    at timestamptz not null,
    seen_at timestamptz,
    seen_by text not null default '',
    primary key (alert_id, warning_id),
    constraint warning_notice_seen_whole check ((seen_at is null) = (seen_by = ''))
);
create index warning_notice_unseen on warning_notice (at) where seen_at is null;
