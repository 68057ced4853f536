-- A long message of a person, one part of two.
insert into sms_message (source, destination, reference, total, last_at) values ('+5532900000004', '27199', 17, 2, '2026-02-10T16:00:00Z');
insert into sms_part (message_id, number, data_coding, octets) select id, 1, 0, 'RELATO barranco caindo na rua das ' from sms_message;
