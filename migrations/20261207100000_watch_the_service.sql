-- What the service notes of itself: the last time it looked, and the stretches in which a part of it did not work. From these the
-- public page of the service tells its past, also of the time when nobody was there to write it down.
create table service_look (
    id boolean primary key default true,
    looked_at timestamptz not null,
    constraint service_look_one check (id)
);

create table service_spell (
    id bigint generated always as identity primary key,
    part text not null,
    since_at timestamptz not null,
    until_at timestamptz,
    constraint service_spell_part_known check (part in ('service', 'intake', 'evaluation', 'sending')),
    constraint service_spell_ends_after check (until_at >= since_at)
);

create unique index service_spell_open_once on service_spell (part) where until_at is null;
create index service_spell_newest on service_spell (since_at desc);
