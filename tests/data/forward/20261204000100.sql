-- A note that names a person, and one that corrects what was written before.
insert into occurrence_event (occurrence_id, at, actor, kind, text, detail, corrects)
select occurrence_id, '2026-02-14T09:00:00Z', 'caio', 'correction', 'Falei com o vizinho.', '{}', id from occurrence_event
    where text = 'Falei com a moradora.';
insert into incident_entry (incident_id, at, actor, kind, text) values
    (md5('incident boa vista')::uuid, '2026-02-14T09:05:00Z', 'caio', 'note', '@elisa a rua está fechada.');
insert into mention (id, staff_id, actor, at, entry_id) select md5('mention 1')::uuid, md5('staff elisa')::uuid, 'caio', at, id
    from incident_entry where text like '@elisa%';
