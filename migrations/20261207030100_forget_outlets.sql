-- Whoever is taken off the list of the press is forgotten: the name of the outlet, who took it off and when stay for the log of what left.
alter table press_outlet drop constraint press_outlet_email_length;
alter table press_outlet alter column email drop not null;
update press_outlet set email = null, contact = '' where removed_at is not null;
alter table press_outlet
    add constraint press_outlet_email_length check (char_length(email) between 3 and 254),
    add constraint press_outlet_forgotten check ((email is null) = (removed_at is not null) and (removed_at is null or contact = ''));
