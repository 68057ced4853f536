-- Since when a feed gives no answer that can be read: its last answer, or the first ask that failed. Null while it answers.
alter table feed add column silent_since timestamptz;
update feed set silent_since = answered_at where failures > 0;
