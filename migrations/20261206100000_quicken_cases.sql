-- What keeps queues, search and figures quick over hundreds of thousands of cases.

-- Words without their accents, so that whoever leaves them out finds what has them.
create function fold_words(words text) returns text language sql immutable strict parallel safe as $$
    select translate(normalize(words, NFC), 'áàâãäéèêëíìîïóòôõöúùûüçñÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑ',
        'aaaaaeeeeiiiiooooouuuucnaaaaaeeeeiiiiooooouuuucn')
$$;

-- The words of a case as they are written and without accents, and its module behind a sign that no word has: the index finds the words of
-- one module without reading those of the others.
create function case_search(words text, module text) returns tsvector language sql immutable strict parallel safe as $$
    select to_tsvector('portuguese'::regconfig, words) || to_tsvector('portuguese'::regconfig, fold_words(words))
        || array_to_tsvector(array['§' || module])
$$;

-- What somebody looks for, in one module or in all (null). Words that say nothing find nothing.
create function case_query(words text, module text) returns tsquery language sql immutable parallel safe as $$
    select case when module is null or numnode(query) = 0 then query else query && quote_literal('§' || module)::tsquery end
    from (select websearch_to_tsquery('portuguese'::regconfig, words)
        || websearch_to_tsquery('portuguese'::regconfig, fold_words(words)) as query) asked
$$;

-- The year a case is counted in: of its number, or of the opening in the town when it has none. In which zone the town is, the service
-- knows; what was opened before is told by the world's.
alter table case_file add column opened_year integer;
update case_file set opened_year = extract(year from opened_at at time zone 'UTC')::integer;
alter table case_file alter column opened_year set not null;
alter table case_file drop column search;
alter table case_file
    add column counted_year integer not null
        generated always as (coalesce(year, opened_year)) stored,
    add column search tsvector not null generated always as (case_search(words, module)) stored;
create index case_file_search on case_file using gin (search);
create index case_file_year on case_file (module, counted_year, id desc);
-- Figures are counted from it alone, without the rows.
create index case_file_counted on case_file (type_key, counted_year)
    include (id, state, is_final, annulled_at, department, opened_at);
drop index case_file_waits;
create index case_file_waits on case_file (waits_for, id) include (opened_at) where not is_final and waits_for is not null;

-- Every case that has the words, through the index and never by reading the table, however common the planner thinks they are: it is asked
-- only when the newest cases have shown that they are not.
create function case_hits(query tsquery) returns setof uuid language sql stable parallel safe set enable_seqscan = off as $$
    select id from case_file where search @@ query
$$;

-- Since when a case is in its state.
create index case_act_moved on case_act (case_id, at) where from_state <> to_state;

-- Deadlines of cases, without their traces.
create index deadline_case on deadline (subject_id) include (code, state, due_on, due_at, warn_days, ended_at)
    where subject_kind = 'case';
create index deadline_case_due on deadline (due_at, subject_id) include (due_on, warn_days)
    where subject_kind = 'case' and state = 'open';
