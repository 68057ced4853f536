-- Codes by SMS are paid for: the whole service sends so many of them a minute and a day.
create index resident_code_paid on resident_code (created_at) where channel = 'sms';
