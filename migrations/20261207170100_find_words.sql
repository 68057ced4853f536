-- Whether a text has every word that somebody looks for, in any order and form of letters, accents or not; no word: it has.
create function has_words(text text, asked text) returns boolean language sql immutable strict parallel safe as $$
    select not exists (
        select from regexp_split_to_table(btrim(lower(fold_words(asked))), '\s+') as word where strpos(lower(fold_words(text)), word) = 0)
$$;
