-- A token with scopes in the middle of a rotation, a device whose secret was changed, a certificate.
insert into api_token (token_sha256, staff_id, name, created_at, expires_at, id, prefix, scopes, rotated_at, previous_sha256, previous_prefix,
    previous_ends_at) values
    (sha256('sen_novo'), md5('staff caio')::uuid, 'importador', '2026-02-01T10:00:00Z', '2027-02-01T10:00:00Z', md5('token importador')::uuid,
        'sen_no', '{own_account,edit_catalogue}', '2026-02-02T10:00:00Z', sha256('sen_velho'), 'sen_ve', '2026-02-09T10:00:00Z');
update device set secret_made_at = '2026-02-01T10:30:00Z', previous_sha256 = secret_sha256, previous_grace_s = 86400,
    secret_sha256 = sha256('segredo novo da regua') where code = 'dl-regua';
insert into device_certificate (id, device_id, sha256, common_name, not_after, created_at)
select md5('certificate regua')::uuid, id, sha256('certificado da regua'), 'dl-regua', '2028-02-01T00:00:00Z', '2026-02-01T10:40:00Z' from device
    where code = 'dl-regua';
