-- Areas that no valid gauge speaks for, with the hazards that is so of: a rule judges the pair, and its level is unknown or every
-- condition of it lacks data (a level kept from before the silence). src/stations/health/blind.rs says it with why; a test holds
-- the two together. For the map, which is drawn for everybody and cannot read the reasons of every pair each time.
create view area_blind as
select h.area_id, array_agg(h.cobrade order by h.cobrade) as hazards
from area_hazard h join area_level l on l.area_id = h.area_id and l.cobrade = h.cobrade
where l.rule_id <> ''
  and (l.level = 'unknown'
       or (jsonb_array_length(l.reasons) > 0 and not jsonb_path_exists(l.reasons, '$[*] ? (@.outcome != "no_data")')))
group by h.area_id;
