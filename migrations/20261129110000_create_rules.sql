-- Rules of risk by their id. What a level or an alert names (rule and version) can be read here for good.
create table rule (
    id text primary key constraint rule_id_form check (id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    created_at timestamptz not null
);

-- Every version of a rule's text, and where it stands in its life: draft, checked, back_tested, trial, active, retired, or
-- withdrawn (given up before it was ever active).
create table rule_version (
    rule_id text not null references rule (id),
    version integer not null constraint rule_version_version_positive check (version > 0),
    -- The text (TOML) as somebody wrote it.
    text text not null constraint rule_version_text_bounded check (octet_length(text) between 1 and 65536),
    -- Rises with every change of the text and every return: approvals count for exactly one revision.
    revision integer not null default 1 constraint rule_version_revision_positive check (revision > 0),
    state text not null constraint rule_version_state_known
        check (state in ('draft', 'checked', 'back_tested', 'trial', 'active', 'retired', 'withdrawn')),
    -- Who brought it: the product itself, the folder engine.rules_dir, or a person.
    source text not null constraint rule_version_source_known check (source in ('product', 'folder', 'person')),
    -- The product's own number of this text, so that each is proposed once.
    product_version integer,
    -- What it changes, and why.
    note text not null default '',
    -- Whose words it has: whoever saved it last. Null is the product's or the folder's.
    written_by uuid references staff (id),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- What the check found of this revision (findings, areas and streams it binds to).
    findings jsonb,
    checked_at timestamptz,
    -- What the comparison with the active version found of this revision.
    back_test jsonb,
    back_tested_at timestamptz,
    -- Scores of `sentinela backtest`, where somebody kept them.
    scores jsonb,
    trial_since timestamptz,
    trial_until timestamptz,
    activated_at timestamptz,
    retired_at timestamptz,
    -- The folder brought another text under the same number at this instant: what is kept is the first.
    altered_at timestamptz,
    primary key (rule_id, version)
);
create unique index rule_version_one_active on rule_version (rule_id) where state = 'active';
create unique index rule_version_one_trial on rule_version (rule_id) where state = 'trial';
create unique index rule_version_one_proposal on rule_version (rule_id, product_version) where product_version is not null;

-- The text of what was ever tried or active stands for good; of everything else it changes only as a draft.
create function refuse_rule_rewrite() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'a version of a rule is kept' using errcode = 'restrict_violation';
    end if;
    if (new.rule_id, new.version) is distinct from (old.rule_id, old.version) or new.text is distinct from old.text and (
        new.state <> 'draft' or old.state not in ('draft', 'checked', 'back_tested')
        or old.trial_since is not null or old.activated_at is not null) then
        raise exception 'the text of version % of rule % stands', old.version, old.rule_id using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger rule_version_text_stands before update or delete on rule_version
    for each row execute function refuse_rule_rewrite();

-- Who did what to which version, and why. Approvals are acts too: the last word of each person on a revision counts.
create table rule_act (
    id bigint generated always as identity primary key,
    rule_id text not null,
    version integer not null,
    revision integer not null,
    at timestamptz not null,
    -- User name, 'product', 'folder' or 'service'.
    actor text not null,
    staff_id uuid references staff (id),
    act text not null,
    -- The state it left the version in.
    state text not null,
    reason text not null default '',
    foreign key (rule_id, version) references rule_version (rule_id, version)
);
create index rule_act_version on rule_act (rule_id, version, id);
create trigger rule_act_append_only before update or delete or truncate on rule_act
    for each statement execute function refuse_rewrite();

-- What a version on trial would have done: the levels it would have shown. Nobody is warned of these.
create table trial_transition (
    id bigint generated always as identity primary key,
    rule_id text not null,
    rule_version integer not null,
    area_id bigint not null references risk_area (id) on delete cascade,
    cobrade text not null,
    from_level text not null,
    to_level text not null,
    at timestamptz not null,
    journal_seq bigint not null,
    reasons jsonb not null,
    foreign key (rule_id, rule_version) references rule_version (rule_id, version)
);
create index trial_transition_version on trial_transition (rule_id, rule_version, at desc);

-- What each pair remembers on trial, so that a restart in mid-storm changes nothing there either. Empty between trials.
create table trial_level (
    rule_id text not null,
    rule_version integer not null,
    area_id bigint not null references risk_area (id) on delete cascade,
    cobrade text not null,
    level text not null,
    since_at timestamptz not null,
    memory jsonb not null,
    primary key (area_id, cobrade),
    foreign key (rule_id, rule_version) references rule_version (rule_id, version)
);

-- Comparisons of a version with the active one over past days and storms: asked for, carried out by one process, cancellable.
create table rule_preview (
    id bigint generated always as identity primary key,
    rule_id text not null,
    version integer not null,
    revision integer not null,
    -- Days of the journal before it was asked for.
    days integer not null constraint rule_preview_days_bounded check (days between 1 and 90),
    state text not null constraint rule_preview_state_known check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
    asked_by text not null,
    asked_at timestamptz not null,
    -- Of so many steps so many are done.
    steps integer not null default 0,
    done integer not null default 0,
    -- Whoever carries it out says now and then that it still does.
    seen_at timestamptz,
    ended_at timestamptz,
    failure text not null default '',
    foreign key (rule_id, version) references rule_version (rule_id, version)
);
create index rule_preview_version on rule_preview (rule_id, version, id desc);
create index rule_preview_open on rule_preview (id) where state in ('waiting', 'running');
