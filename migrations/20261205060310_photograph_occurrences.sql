-- Photographs of an occurrence, as notes bring them. What residents sent stays with their report.
alter table attachment
    add column occurrence_id uuid references occurrence (id),
    drop constraint attachment_belongs,
    add constraint attachment_belongs check (num_nonnulls(incident_id, report_id, inspection_photograph_id, occurrence_id) = 1);
create index attachment_occurrence on attachment (occurrence_id, seq) where occurrence_id is not null;
create unique index attachment_occurrence_content on attachment (occurrence_id, sha256) where removed_at is null and occurrence_id is not null;

create or replace function keep_attachment() returns trigger language plpgsql as $$
begin
    if old.removed_at is not null or new.removed_at is null
        or (new.id, new.seq, new.kind, new.incident_id, new.report_id, new.inspection_photograph_id, new.occurrence_id, new.media_type,
            new.sha256, new.bytes, new.width, new.height, new.caption, new.uploaded_by, new.created_at)
        is distinct from (old.id, old.seq, old.kind, old.incident_id, old.report_id, old.inspection_photograph_id, old.occurrence_id,
            old.media_type, old.sha256, old.bytes, old.width, old.height, old.caption, old.uploaded_by, old.created_at) then
        raise exception 'attachment only allows a removal' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
