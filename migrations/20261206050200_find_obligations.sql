-- The last publication of each obligation of active transparency, of which its state follows.
create index case_publication_obligation on case_publication ((snapshot -> 'fields' ->> 'item'), (snapshot -> 'fields' ->> 'covers_until') desc, id desc)
    where type_key = 'transparency.publication' and withdrawn_at is null;
