-- What everybody reads of an instrument is kept version by version, as what is published of cases: a later one corrects the one before, and a
-- withdrawal is one more row. Nothing is overwritten or deleted.
create table instrument_publication (
    id uuid primary key,
    instrument_id uuid not null references instrument (id),
    module text not null,
    seq integer not null constraint instrument_publication_seq_positive check (seq > 0),
    corrects uuid references instrument_publication (id),
    -- Fields by allow-list, without bank data and whole CPF. None: it was withdrawn, and of what came before nothing is read any more.
    snapshot jsonb constraint instrument_publication_snapshot_object check (jsonb_typeof(snapshot) = 'object'),
    -- Of the snapshot as JSON with sorted keys and without spaces.
    sha256 bytea constraint instrument_publication_sha256_length check (length(sha256) = 32),
    -- The act that made it, and why it was done: the reason is for the staff of the module.
    act text not null constraint instrument_publication_act_shape check (act ~ '^[a-z_]{1,40}$'),
    reason text not null constraint instrument_publication_reason_length check (char_length(reason) <= 1000),
    published_at timestamptz not null,
    published_by text not null,
    -- The last day on which it is listed; none: not over.
    listed_until date,
    constraint instrument_publication_seq_unique unique (instrument_id, seq),
    constraint instrument_publication_corrects_unique unique (corrects),
    constraint instrument_publication_chained check ((corrects is null) = (seq = 1)),
    constraint instrument_publication_sealed check ((snapshot is null) = (sha256 is null)),
    constraint instrument_publication_withdrawn_whole
        check (snapshot is not null or seq > 1 and btrim(reason) <> '' and listed_until is null)
);
create index instrument_publication_list on instrument_publication (module, instrument_id desc, seq desc);
create trigger instrument_publication_append_only before update or delete or truncate on instrument_publication
    for each statement execute function refuse_rewrite();
create trigger instrument_publication_chain after insert on instrument_publication
    for each row execute function chain_kept_row('instrument', 'instrument_id', 'id');

-- The same text as `kernel::chain::canonical` makes.
create function canonical_text(given jsonb) returns text language plpgsql immutable as $$
begin
    return case jsonb_typeof(given)
        when 'object' then (select format('{%s}', string_agg(to_json(f.key)::text || ':' || canonical_text(f.value), ',' order by f.key collate "C"))
            from jsonb_each(given) f)
        when 'array' then (select format('[%s]', string_agg(canonical_text(i.item), ',' order by i.place))
            from jsonb_array_elements(given) with ordinality i (item, place))
        else given::text end;
end $$;

-- What everybody reads today is the first version, made by the last act until then.
insert into instrument_publication (id, instrument_id, module, seq, snapshot, sha256, act, reason, published_at, published_by, listed_until)
    select gen_random_uuid(), p.instrument_id, p.module, 1, p.snapshot, sha256(convert_to(canonical_text(p.snapshot), 'UTF8')),
        coalesce(a.act, 'open'), '', p.published_at, coalesce(a.actor, i.opened_by), p.listed_until
    from instrument_public p join instrument i on i.id = p.instrument_id
        left join lateral (select act, actor from instrument_act where instrument_id = p.instrument_id and at <= p.published_at
            order by seq desc limit 1) a on true
    order by p.instrument_id;
drop function canonical_text(jsonb);
drop table instrument_public;
