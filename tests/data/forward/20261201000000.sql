-- A draft in two languages, for a place that somebody drew and for a circle.
insert into alert_text (alert_id, language, headline, description, instruction, sms_text) values
    (md5('alert rascunho de caio')::uuid, 'en', 'Landslide risk at Boa Vista slope', '41 mm of rain in an hour.', 'Leave your house.',
        'CIVIL DEFENSE: landslide risk. Leave your house. 199');
insert into alert_shape (alert_id, source, name, geom, centre, radius_km) values
    (md5('alert rascunho de caio')::uuid, 'drawn', 'Rua das Palmeiras',
        st_geomfromtext('MULTIPOLYGON(((-43.354 -21.759, -43.350 -21.759, -43.350 -21.756, -43.354 -21.756, -43.354 -21.759)))', 4326), null, null),
    (md5('alert rascunho de caio')::uuid, 'circle', '500 m da barragem',
        st_multi(st_buffer(st_setsrid(st_makepoint(-43.341, -21.771), 4326), 0.0045)), st_setsrid(st_makepoint(-43.341, -21.771), 4326), 0.5);
