-- Acts of instruments are chained as those of cases are. What stands here from before has no place in the chain: the service reckons it from the acts
-- themselves, so that the first act that is added covers all of them. New acts have their place.
alter table instrument_act
    add column prev bytea constraint instrument_act_prev_length check (length(prev) = 32),
    add column hash bytea constraint instrument_act_hash_length check (length(hash) = 32);
alter table instrument_act add constraint instrument_act_chained check (hash is not null and (prev is null) = (seq = 1)) not valid;
