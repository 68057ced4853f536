-- Whoever answers by SMS may be a contact of an institution.
create index institution_contact_phone on institution_contact (phone) where phone is not null;
