-- Whether what was read back is what was there, so that a take-over need not trust that somebody read what the restore printed. Null: the
-- restore ended before it knew, or was made by a program that did not write it down.
alter table restoration add proof jsonb constraint restoration_proof_object check (jsonb_typeof(proof) = 'object');
