-- Exercises ("simulados"): planned, announced, run by people, reported. Their messages reach whoever joined, and nobody else.
create table exercise (
    id uuid primary key,
    -- What stands in the public address and in the QR code.
    code text not null constraint exercise_code_unique unique constraint exercise_code_shape check (code ~ '^[a-z0-9]{8}$'),
    title text not null constraint exercise_title_length check (char_length(btrim(title)) between 1 and 160),
    -- What is supposed to happen; for the staff, because whoever is warned shall not know the script.
    scenario text not null default '' constraint exercise_scenario_length check (char_length(scenario) <= 8000),
    cobrade text not null,
    objectives text not null default '' constraint exercise_objectives_length check (char_length(objectives) <= 4000),
    -- Where people meet, in words; public.
    place text not null default '' constraint exercise_place_length check (char_length(place) <= 300),
    -- What residents read of it before they join.
    public_text text not null default '' constraint exercise_public_text_length check (char_length(public_text) <= 4000),
    -- Who answers for it, by name.
    responsible text not null constraint exercise_responsible_length check (char_length(btrim(responsible)) between 1 and 160),
    starts_at timestamptz not null,
    ends_at timestamptz not null constraint exercise_ends_after_start check (ends_at > starts_at),
    -- Shown to residents, who may join it.
    listed boolean not null default true,
    announce_days integer not null constraint exercise_announce_days_range check (announce_days between 0 and 60),
    announce_hours integer not null constraint exercise_announce_hours_range check (announce_hours between 0 and 72),
    -- When each of the two announcements went out for the date as it stands.
    announced_days_at timestamptz,
    announced_hours_at timestamptz,
    state text not null constraint exercise_state_known check (state in
        ('planned', 'announced', 'running', 'finished', 'reported', 'cancelled')),
    -- Rises with each edit; an editor that saves must name the revision it read.
    revision integer not null default 1,
    -- Of the calendar (RFC 5545, section 3.8.7.4): rises with what its readers see.
    sequence integer not null default 0,
    changed_at timestamptz not null,
    created_at timestamptz not null,
    created_by text not null,
    announced_at timestamptz,
    started_at timestamptz,
    started_by text,
    finished_at timestamptz,
    finished_by text,
    reported_at timestamptz,
    reported_by text,
    cancelled_at timestamptz,
    cancelled_by text,
    cancel_reason text not null default '',
    -- Of the report after the action.
    problems text not null default '' constraint exercise_problems_length check (char_length(problems) <= 8000),
    evaluation text not null default '' constraint exercise_evaluation_length check (char_length(evaluation) <= 8000),
    constraint exercise_started_whole check ((started_at is null) = (started_by is null)
        and (state not in ('running', 'finished', 'reported') or started_at is not null)),
    constraint exercise_finished_whole check ((finished_at is null) = (finished_by is null)
        and (state not in ('finished', 'reported') or finished_at is not null)),
    constraint exercise_reported_whole check ((reported_at is null) = (reported_by is null)
        and (state = 'reported') = (reported_at is not null)),
    constraint exercise_cancelled_whole check ((cancelled_at is null) = (cancelled_by is null)
        and (state = 'cancelled') = (cancelled_at is not null) and (state <> 'cancelled' or btrim(cancel_reason) <> ''))
);
create index exercise_starts on exercise (starts_at);

create table exercise_area (
    exercise_id uuid not null references exercise (id) on delete cascade,
    area_id bigint not null references risk_area (id),
    primary key (exercise_id, area_id)
);

-- Who takes part. A resident only by their own act; nobody puts a resident in.
create table exercise_participant (
    id bigint generated always as identity primary key,
    exercise_id uuid not null references exercise (id) on delete cascade,
    kind text not null constraint exercise_participant_kind_known check (kind in ('staff', 'resident', 'institution', 'nucleus')),
    staff_id uuid references staff (id),
    resident_id uuid references resident (id),
    -- Of an institution or a community nucleus (NUPDEC).
    name text not null default '' constraint exercise_participant_name_length check (char_length(name) <= 160),
    contact text not null default '' constraint exercise_participant_contact_length check (char_length(contact) <= 160),
    -- E.164; of staff their own is asked for when something is sent.
    phone text not null default '',
    email text not null default '',
    -- Of a resident: every message of the exercise, or only what holds for where they live.
    reach text not null default 'all' constraint exercise_participant_reach_known check (reach in ('all', 'place')),
    joined_at timestamptz not null,
    joined_by text not null,
    left_at timestamptz,
    -- When they said, or somebody said of them, that the message came.
    acknowledged_at timestamptz,
    acknowledged_by text,
    constraint exercise_participant_whole check (
        (kind = 'staff') = (staff_id is not null) and (kind = 'resident') = (resident_id is not null)
        and (kind in ('staff', 'resident') or btrim(name) <> '')),
    constraint exercise_participant_acknowledged_whole check ((acknowledged_at is null) = (acknowledged_by is null))
);
create unique index exercise_participant_staff on exercise_participant (exercise_id, staff_id) where staff_id is not null;
create unique index exercise_participant_resident on exercise_participant (exercise_id, resident_id) where resident_id is not null;
create index exercise_participant_of_resident on exercise_participant (resident_id) where resident_id is not null;

-- What the controller brings in, minutes after the start.
create table exercise_inject (
    id bigint generated always as identity primary key,
    exercise_id uuid not null references exercise (id) on delete cascade,
    at_min integer not null constraint exercise_inject_minute_range check (at_min between 0 and 2880),
    text text not null constraint exercise_inject_text_length check (char_length(btrim(text)) between 1 and 500),
    done_at timestamptz,
    done_by text,
    constraint exercise_inject_done_whole check ((done_at is null) = (done_by is null))
);
create index exercise_inject_order on exercise_inject (exercise_id, at_min, id);

-- What has to become better, by whom and until when.
create table exercise_action (
    id bigint generated always as identity primary key,
    exercise_id uuid not null references exercise (id) on delete cascade,
    what text not null constraint exercise_action_what_length check (char_length(btrim(what)) between 1 and 1000),
    owner text not null constraint exercise_action_owner_length check (char_length(btrim(owner)) between 1 and 160),
    due_on date not null,
    done_at timestamptz,
    done_by text,
    constraint exercise_action_done_whole check ((done_at is null) = (done_by is null))
);
create index exercise_action_of on exercise_action (exercise_id, due_on, id);

-- What a code that was sent to somebody is to do, once it is typed.
create table exercise_request (
    code_id uuid primary key references resident_code (id) on delete cascade,
    exercise_id uuid not null references exercise (id) on delete cascade,
    act text not null constraint exercise_request_act_known check (act in ('join', 'leave')),
    name text not null default '' constraint exercise_request_name_length check (char_length(name) <= 120),
    language text not null default 'pt-BR',
    reach text not null default 'all' constraint exercise_request_reach_known check (reach in ('all', 'place'))
);

-- Whoever is erased takes part in nothing.
create function leave_exercises_when_erased() returns trigger language plpgsql as $$
begin
    update exercise_participant set left_at = new.deleted_at where resident_id = new.id and left_at is null;
    return null;
end $$;
create trigger resident_leaves_exercises after update of deleted_at on resident
    for each row when (old.deleted_at is null and new.deleted_at is not null) execute function leave_exercises_when_erased();

-- An exercise alert belongs to an exercise.
alter table alert add column exercise_id uuid references exercise (id);
create index alert_exercise on alert (exercise_id) where exercise_id is not null;

-- An answer belongs to the exercise of what it answers; what rules draft while the whole service exercises, to the one that runs.
create function keep_exercise_of_alert() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.cap_xml is not null and new.exercise_id is distinct from old.exercise_id then
        raise exception 'alert % is issued and cannot be rewritten', old.number using errcode = 'restrict_violation';
    end if;
    if tg_op = 'INSERT' and new.status = 'exercise' and new.exercise_id is null then
        if new.references_alert_id is not null then
            select exercise_id into new.exercise_id from alert where id = new.references_alert_id;
        else
            select id into new.exercise_id from exercise where state = 'running' order by started_at desc, id limit 1;
        end if;
    end if;
    if new.exercise_id is not null and new.status <> 'exercise' then
        raise exception 'alert %: status % belongs to no exercise', new.id, new.status using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger alert_keep_exercise before insert or update on alert for each row execute function keep_exercise_of_alert();

-- Copies to whoever is no resident: staff and institutions of an exercise, testers of test and system messages. Their states are
-- those of the notices, and kept when the notice is gone.
create table alert_copy (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id),
    -- Null for a tester.
    participant_id bigint references exercise_participant (id) on delete cascade,
    channel text not null constraint alert_copy_channel_known check (channel in ('sms', 'email')),
    -- None when they have no address of this channel.
    notice_id uuid,
    state text not null constraint alert_copy_state_known check (state in
        ('pending', 'sending', 'accepted', 'unknown', 'delivered', 'rejected', 'expired', 'suppressed')),
    reason text not null default '',
    created_at timestamptz not null,
    final_at timestamptz
);
create index alert_copy_alert on alert_copy (alert_id);
create index alert_copy_notice on alert_copy (notice_id) where notice_id is not null;
create function follow_notice_of_copy() returns trigger language plpgsql as $$
begin
    update alert_copy set state = new.state, reason = new.reason, final_at = new.final_at where notice_id = new.id;
    return null;
end $$;
create trigger notice_copied after update of state on notice
    for each row when (new.purpose = 'alert_copy') execute function follow_notice_of_copy();

-- People who joined an exercise are told as such, wherever they live.
alter table outbox drop constraint outbox_basis_known;
alter table outbox add constraint outbox_basis_known check (basis in ('inside', 'within_precision', 'told_before', 'joined'));

-- Whom a real alert reaches, as before under another name.
alter function alert_recipients(uuid) rename to actual_recipients;

-- Whom an exercise alert reaches: residents who joined its exercise and have not left, inside its places or, if they want every
-- message, anywhere. That they joined is their consent; who takes the consent to exercises back is told nothing more.
create function exercise_recipients(wanted uuid)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text)
language sql stable rows 200 set jit = off as $$
    with joined as materialized (
        select p.resident_id, p.reach, p.joined_at from alert a join exercise_participant p on p.exercise_id = a.exercise_id
        where a.id = wanted and a.status = 'exercise' and p.resident_id is not null and p.left_at is null
    ), inside as materialized (
        select i.* from alert_audience(wanted) i join joined j on j.resident_id = i.resident_id
    ), reached as (
        select i.resident_id, i.area_id, i.danger, i.basis from inside i
        union all
        select j.resident_id, null::bigint, 4, 'joined' from joined j
        where j.reach = 'all' and not exists (select from inside i where i.resident_id = j.resident_id)
    ), channel as (
        select reached.*, r.language, c.kind, c.address, case
            when c.id is null then 'no_channel'
            when (select not d.given from consent d where d.resident_id = r.id and d.purpose = 'drills' order by d.id desc limit 1)
                then 'consent_withdrawn'
            -- Whoever joined after they had left the alerts wants this exercise.
            when c.opted_out_at >= j.joined_at then 'opted_out'
            when c.verified_at is null then 'unverified'
            else '' end as reason
        from reached join joined j on j.resident_id = reached.resident_id
            join resident r on r.id = reached.resident_id and r.deleted_at is null
            left join resident_channel c on c.resident_id = reached.resident_id
    )
    select c.resident_id, c.kind, c.address, c.language, c.area_id, c.danger, c.basis, case
        when c.reason = '' and row_number() over (partition by c.kind, c.address, c.reason order by c.danger, c.resident_id) > 1
            then 'duplicate_address'
        else c.reason end
    from channel c
$$;

-- Whom an alert reaches. Test and system messages reach no resident at all. Without a setting of its own, so that the planner
-- puts the two in its place instead of copying a million rows once more.
create function alert_recipients(wanted uuid)
returns table (resident_id uuid, channel text, address text, language text, area_id bigint, danger integer, basis text, reason text)
language sql stable rows 20000 as $$
    select r.* from alert a cross join lateral actual_recipients(a.id) r where a.id = wanted and a.status = 'actual'
    union all
    select r.* from alert a cross join lateral exercise_recipients(a.id) r where a.id = wanted and a.status = 'exercise'
$$;

-- The last gate, whoever writes: a row for somebody who did not join the exercise of an alert that is not real is refused, and
-- with it the whole act that wanted it.
create function guard_unreal_messages() returns trigger language plpgsql as $$
declare
    wrong record;
begin
    select a.id, a.status, n.resident_id into wrong
    from (select distinct alert_id from added) as d join alert a on a.id = d.alert_id and a.status <> 'actual'
        join added n on n.alert_id = a.id
    where a.status <> 'exercise' or not exists (
        select from exercise_participant p
        where p.exercise_id = a.exercise_id and p.resident_id = n.resident_id and p.left_at is null)
    limit 1;
    if found then
        raise exception 'alert % (%) is not for resident %: it reaches only those who joined its exercise',
            wrong.id, wrong.status, wrong.resident_id using errcode = 'restrict_violation';
    end if;
    return null;
end $$;
create trigger outbox_guard_unreal after insert on outbox referencing new table as added
    for each statement execute function guard_unreal_messages();
-- And no row is turned to another alert or another person.
create function keep_outbox_target() returns trigger language plpgsql as $$
begin
    raise exception 'row % of the outbox keeps its alert and its recipient', old.id using errcode = 'restrict_violation';
end $$;
create trigger outbox_keep_target before update of alert_id, resident_id on outbox
    for each row when (old.alert_id <> new.alert_id or old.resident_id <> new.resident_id) execute function keep_outbox_target();

-- Hand-over packs: what was given to channels that have no public interface, by whom, to whom, when. Nobody rewrites it.
create table handover (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id),
    channel text not null constraint handover_channel_known check (channel in ('idap', 'sms_40199', 'cell_broadcast')),
    -- The words as they were handed over.
    text text not null constraint handover_text_filled check (btrim(text) <> ''),
    -- Of cell broadcast: extreme or severe.
    class text not null default '' constraint handover_class_known check (class in ('', 'extreme', 'severe')),
    given_to text not null constraint handover_given_to_length check (char_length(btrim(given_to)) between 1 and 160),
    given_at timestamptz not null,
    protocol text not null default '' constraint handover_protocol_length check (char_length(protocol) <= 80),
    note text not null default '' constraint handover_note_length check (char_length(note) <= 1000),
    recorded_at timestamptz not null,
    recorded_by text not null
);
create index handover_alert on handover (alert_id, id);
create trigger handover_append_only before update or delete or truncate on handover
    for each statement execute function refuse_rewrite();

-- Steps of the checklist, ticked and unticked; the newest line of a step counts.
create table handover_tick (
    id bigint generated always as identity primary key,
    alert_id uuid not null references alert (id),
    step text not null constraint handover_tick_step_shape check (step ~ '^[a-z][a-z0-9_]{0,39}$'),
    done boolean not null,
    at timestamptz not null,
    by text not null
);
create index handover_tick_alert on handover_tick (alert_id, step, id);
create trigger handover_tick_append_only before update or delete or truncate on handover_tick
    for each statement execute function refuse_rewrite();
