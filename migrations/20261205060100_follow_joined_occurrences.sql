-- What is asked for an occurrence that is joined with another is asked for the other, and comes back when they are parted.
alter table resource_request add column merge_id bigint constraint resource_request_merge_id_known references occurrence_merge (id);
create index resource_request_merge on resource_request (merge_id) where merge_id is not null;
