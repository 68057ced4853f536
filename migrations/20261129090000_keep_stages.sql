-- The stages of a river gauge ("cotas" of attention, alert and overflow), in metres over its own zero: {"attention": 2.5, …}.
alter table datastream add column stages jsonb not null default '{}'::jsonb
    constraint datastream_stages_object check (jsonb_typeof(stages) = 'object'),
    add constraint datastream_stages_river check (stages = '{}'::jsonb or quantity = 'water_level');
-- Warnings of others over an area, and what a model foretells, are streams that rules read like any other.
alter table datastream drop constraint datastream_quantity_known;
alter table datastream add constraint datastream_quantity_known check (quantity in ('rain', 'water_level', 'flow', 'air_temperature',
    'relative_humidity', 'wind_speed', 'wind_gust', 'soil_moisture', 'battery', 'reports', 'warnings', 'rain_forecast'));
