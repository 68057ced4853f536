-- A photograph of the incident, and one whose bytes were removed with who and why.
insert into attachment (id, kind, incident_id, media_type, sha256, bytes, width, height, caption, content, thumbnail, uploaded_by, created_at,
    removed_at, removed_by, removed_reason) values
    (md5('photo 1')::uuid, 'photograph', md5('incident boa vista')::uuid, 'image/jpeg', sha256('\xffd8ffd9'), 4, 1, 1, 'Trinca atrás da casa 12',
        '\xffd8ffd9', '\xffd8ffd9', 'caio', '2026-02-01T14:00:00Z', null, null, null),
    (md5('photo 2')::uuid, 'photograph', md5('incident boa vista')::uuid, 'image/jpeg', sha256('\xffd8ffda'), 4, 1, 1, '', null, null, 'caio',
        '2026-02-01T14:01:00Z', '2026-02-01T15:00:00Z', 'elisa', 'mostra o rosto de uma criança');
