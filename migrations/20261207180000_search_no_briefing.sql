-- The briefing of a mission is read by whoever works on it and searched nowhere. Missions from before are searched as those that come.
update case_file c set words = left(concat_ws(' ',
        c.series || ' ' || c.year || '/' || lpad(c.number::text, greatest(3, length(c.number::text)), '0'),
        c.title, nullif(c.department, ''),
        (select string_agg(field.value, ' ' order by field.key) from jsonb_each_text(c.fields) field
            where field.key <> 'briefing')), 50000)
    where c.type_key = 'representation.mission' and c.fields ? 'briefing';
