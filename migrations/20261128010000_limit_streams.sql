-- What single streams are tested against instead of their quantity's limits (config/quality.toml): the JSON of
-- risk::control::Overrides. Empty: nothing else.
alter table datastream add column limits jsonb not null default '{}'
    constraint datastream_limits_object check (jsonb_typeof(limits) = 'object');

-- The numbers that a flag's test compared, so that people read them in their own language.
alter table reading_flag add column why jsonb not null default '{}';
