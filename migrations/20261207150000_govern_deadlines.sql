-- The day whose norm governs a deadline where it is not that of the anchor: an instrument goes on under the norm of its signing.
alter table deadline add column governed_on date;
update deadline d set governed_on = (i.document->'core'->>'signed_on')::date
from instrument i
where d.subject_kind = 'instrument' and d.subject_id = i.id and d.state = 'open' and i.module in ('agreements', 'funding');
