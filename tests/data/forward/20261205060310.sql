-- A photograph of an occurrence.
insert into attachment (id, kind, occurrence_id, media_type, sha256, bytes, width, height, caption, content, thumbnail, uploaded_by,
    created_at) values
    (md5('photo 5')::uuid, 'photograph', md5('occurrence casa')::uuid, 'image/jpeg', sha256('\xffd8ffdd'), 4, 1, 1, '', '\xffd8ffdd', '\xffd8ffdd',
        'caio', '2026-02-16T18:30:00Z');
