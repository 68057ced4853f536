-- What citizens write to the ombudsman and to the service of information is read in their case and searched nowhere; the subject of a
-- manifestation too. Cases from before are searched as those that come.
update case_file c set words = left(concat_ws(' ',
        c.series || ' ' || c.year || '/' || lpad(c.number::text, greatest(3, length(c.number::text)), '0'),
        case when c.type_key = 'sic.request' then c.title end, nullif(c.department, ''),
        (select string_agg(field.value, ' ' order by field.key) from jsonb_each_text(c.fields) field
            where field.key <> all (array['text', 'place', 'request', 'requester', 'email', 'complement', 'appeal', 'rating_comment']))), 50000)
    where c.type_key in ('ombudsman.manifestation', 'sic.request');
