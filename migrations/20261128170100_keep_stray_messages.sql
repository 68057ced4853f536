-- SMS of people that are no report, so that nobody's cry for help is lost because it lacked a word. They wait until somebody of staff
-- has read them, and go with the addresses of messages.
create table stray_message (
    id uuid primary key,
    -- A centre sends a message again when it got no answer.
    key text not null constraint stray_message_key_unique unique,
    source text not null,
    words text not null constraint stray_message_words_length check (char_length(words) between 1 and 1000),
    received_at timestamptz not null,
    read_at timestamptz,
    read_by text,
    constraint stray_message_read_whole check ((read_at is null) = (read_by is null))
);
create index stray_message_unread on stray_message (received_at desc) where read_at is null;
create index stray_message_source on stray_message (source, received_at);
create index stray_message_received on stray_message (received_at);
