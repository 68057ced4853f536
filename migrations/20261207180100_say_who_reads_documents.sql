-- A document of an instrument may hold bank data, a CPF or names: whoever works in the module reads it, unless whoever put it there opened it to all
-- staff or to everybody. Those from before stay with the module.
alter table instrument_document add column readers text not null default 'module'
    constraint instrument_document_readers_known check (readers in ('module', 'staff', 'everybody')),
    add constraint instrument_document_opened_by_kind check (
        readers = 'module' or kind in ('term', 'amendment', 'notice', 'plan', 'opinion', 'report'));
