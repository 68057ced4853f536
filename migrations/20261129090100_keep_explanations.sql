-- Everything that was looked at when a level changed: the tree of conditions with values, thresholds, stations and doubts, the rule's version
-- and what was missing to the next level (src/risk/explain). Changes from before this have their reasons only.
alter table level_transition add column explanation jsonb
    constraint level_transition_explanation_object check (jsonb_typeof(explanation) = 'object');
