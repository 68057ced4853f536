//! What migrations changed of the rows they found: each with the question that shows it, and the answer written down.

use std::fmt::Write as _;

use sqlx::PgConnection;

/// What became of rows by a migration. A question gives lines of text.
struct Carried {
    /// Prefix of the migration.
    by: i64,
    sql: &'static str,
    lines: &'static [&'static str],
}

const CARRIED: &[Carried] = &[
    // One role becomes several, and nobody loses what they could do. What people were given since stands.
    Carried {
        by: 20_261_123_000_100,
        sql: "select username || ' ' || roles::text from staff where username in ('ana', 'caio', 'davi') order by 1",
        lines: &["ana {coordinator,administrator}", "caio {operator}", "davi {approver}"],
    },
    // The session that was open is closed, and the one that was opened since is not.
    Carried {
        by: 20_261_123_000_300,
        sql: "select s.username || ' ' || o.agent from staff_session o join staff s on s.id = o.staff_id",
        lines: &["elisa Firefox 140, Linux"],
    },
    // A token from before scopes may do what its owner may.
    Carried {
        by: 20_261_123_000_400,
        sql: "select name || ' ' || coalesce(scopes::text, 'all') || ' ' || prefix from api_token where id is not null order by 1",
        lines: &["importador {own_account,edit_catalogue} sen_no", "painel da sala de situação all "],
    },
    // Whoever was there has the consent that was noted, and who was erased has none.
    Carried {
        by: 20_261_123_000_610,
        sql: "select r.name || ' ' || c.source || ' ' || (c.at = r.consent_at) from consent c join resident r on r.id = c.resident_id
              where c.purpose = 'alerts' and c.text_version = '' order by c.id",
        lines: &["Joana Batista cadastro do CRAS true", "Pedro Nonato cadastro do CRAS true"],
    },
    // A draft has the words of whoever saved it last, else of whoever drafted it; a rule's own text is nobody's.
    Carried {
        by: 20_261_123_000_800,
        sql: "select a.created_by || ' ' || a.revision || ' ' || coalesce(s.username, '-') from alert a
              left join staff s on s.id = a.written_by where a.state = 'draft' order by 1",
        lines: &["caio 1 caio", "rule 1 -", "rule 3 elisa"],
    },
    // Every reading is in the month of its own instant, with its revision.
    Carried {
        by: 20_261_128_030_000,
        sql: "select j.seq || ' ' || d.name || ' ' || j.value || ' ' || j.revision || ' ' || j.tableoid::regclass from journal j
              join datastream d on d.id = j.datastream_id where j.seq <= 6 order by j.seq",
        lines: &[
            "1 rain 4.2 0 journal_2026m01",
            "2 rain_total 1312.4 0 journal_2026m01",
            "3 level 2.31 0 journal_2026m02",
            "4 rain 999 0 journal_2026m02",
            "5 rain 9.8 1 journal_2026m02",
            "6 rain 6.6 0 journal_2026m01",
        ],
    },
    // The newest row of a month is the last that came for it, also when an older month got one later.
    Carried {
        by: 20_261_128_030_000,
        sql: "select month || ' ' || newest_seq from journal_month where month in ('2026-01-01', '2026-02-01') order by 1",
        lines: &["2026-01-01 6", "2026-02-01 7"],
    },
    // The newest of a stream is the newest by its own time, in its last revision.
    Carried {
        by: 20_261_128_030_000,
        sql: "select d.name || ' ' || l.seq || ' ' || l.value from stream_latest l join datastream d on d.id = l.datastream_id order by 1",
        lines: &["level 3 2.31", "rain 5 9.8", "rain_total 7 1340"],
    },
    // The rounds wait for the first service that looks; of these one was done since.
    Carried {
        by: 20_261_128_060_000,
        sql: "select name || ' ' || (due_at = '-infinity') from health_round order by 1",
        lines: &["clock true", "health false"],
    },
    Carried {
        by: 20_261_128_090_100,
        sql: "select is_one || ' ' || version from catalogue_version",
        lines: &["true 2"],
    },
    // Of a counter the sum is what was counted: nothing is known of the first hour, and a total that began again counts from nought. Of
    // intervals it is what it was.
    Carried {
        by: 20_261_128_120_000,
        sql: "select d.name || ' ' || extract(hour from h.hour at time zone 'UTC') || ' ' || coalesce(h.sum::text, '-') from reading_hour h
              join datastream d on d.id = h.datastream_id order by 1",
        lines: &["rain 10 18.2", "rain_total 10 -", "rain_total 11 18.5", "rain_total 12 4"],
    },
    // What was confirmed then was so since it was decided; what is decided otherwise never was. What was confirmed since says when.
    Carried {
        by: 20_261_128_130_000,
        sql: "select number || ' ' || state || ' ' || coalesce(to_char(confirmed_at at time zone 'UTC', 'MM-DD HH24:MI'), '-')
              from occurrence where number <= '2026/006' order by 1",
        lines: &[
            "2026/001 confirmed 02-02 10:20",
            "2026/002 new -",
            "2026/003 closed 01-12 20:30",
            "2026/004 dismissed -",
            "2026/005 merged -",
            "2026/006 confirmed 02-10 15:05",
        ],
    },
    // Every area has been as it is since it was last changed.
    Carried {
        by: 20_261_129_120_000,
        sql: "select v.code || ' ' || v.state || ' ' || v.hazards::text || ' ' || (v.valid_from = a.updated_at) || ' ' || st_equals(v.geom, a.geom)
              from area_version v join risk_area a on a.code = v.code where v.number = 1 and v.origin = 'before' order by 1",
        lines: &[
            "encosta-boa-vista effective {\"1.1.3.2.1\": \"R4\", \"1.2.3.0.0\": \"R2\"} true true",
            "varzea-rio-das-pedras effective {\"1.2.1.0.0\": \"R3\"} true true",
        ],
    },
    // Nobody's clock gives a draft that a person edited another end.
    Carried {
        by: 20_261_202_030_000,
        sql: "select state || ' ' || edited || ' ' || expiry_chosen || ' ' || count(*) from alert group by state, edited, expiry_chosen order by 1",
        lines: &[
            "discarded true false 1",
            "draft false false 2",
            "draft true true 1",
            "expired false false 2",
            "issued true false 1",
            "submitted true true 1",
        ],
    },
    // What is on its way is counted once, by what the rows were when counting began.
    Carried {
        by: 20_261_203_030_000,
        sql: "select a.number || ' ' || t.channel || ' ' || t.provider || ' ' || t.danger || ' ' || t.state || ' ' || t.cause || ' ' || t.rows
              from delivery_tally t join alert a on a.id = t.alert_id where t.what = 'state' order by 1",
        lines: &[
            "2026/001 email  0 suppressed opted_out 1",
            "2026/001 email  3 pending  1",
            "2026/001 sms smpp:operadora 0 delivered  1",
            "2026/001 sms smpp:operadora 0 rejected smpp 11 1",
            "2026/001 sms smpp:operadora 3 sending  1",
            "2026/001 webhook webhook 4 delivered  1",
            "2026/002 sms smpp:operadora 0 accepted  1",
            "2026/003 email sink:email 4 delivered  1",
        ],
    },
    Carried {
        by: 20_261_203_030_000,
        sql: "select a.number || ' ' || p.provider || ' ' || to_char(p.first_at at time zone 'UTC', 'HH24:MI:SS.MS') || ' ' || p.rows
              from delivery_pace p join alert a on a.id = p.alert_id order by 1",
        lines: &[
            "2026/001 smpp:operadora 00:20:04.250 1",
            "2026/001 webhook 12:05:01.000 1",
            "2026/002 smpp:operadora 13:00:02.000 1",
            "2026/003 sink:email 13:05:01.000 1",
        ],
    },
    // Every occurrence has the code of its kind, a place that the public may know, and, where it waits, a look of the rule.
    Carried {
        by: 20_261_204_000_000,
        sql: "select number || ' ' || coalesce(cobrade, '-') || ' ' || (priority_due_at is not distinct from opened_at) || ' '
              || coalesce(st_astext(st_snaptogrid(public_geom, 0.001)), '-') || ' ' || neighbourhood from occurrence where number <= '2026/006' order by 1",
        lines: &[
            "2026/001 1.1.3.2.1 true POINT(-43.359 -21.755) Boa Vista",
            "2026/002 1.2.1.0.0 true POINT(-43.34 -21.77) Várzea do Rio das Pedras",
            "2026/003 1.3.2.1.5 false POINT(-43.31 -21.73) ",
            "2026/004 2.3.1.2.0 false - ",
            "2026/005 1.1.3.2.1 false POINT(-43.359 -21.755) Boa Vista",
            "2026/006 1.3.2.1.5 true POINT(-43.359 -21.755) Boa Vista",
        ],
    },
    // Silence is owed by the siren there is, and by none that there never was.
    Carried {
        by: 20_261_204_030_200,
        sql: "select e.name || ' ' || o.failures from siren_owed o join endpoint e on e.id = o.endpoint_id",
        lines: &["Sirene da Boa Vista 2"],
    },
    // A draft is of whoever changed it last, if they are still there; of what was approved nobody asks any more.
    Carried {
        by: 20_261_205_030_000,
        sql: "select r.state || ' ' || r.changed_by || ' ' || array(select username from staff where id = any (r.authors))::text || ' ' || r.approved_alone
              from situation_report r order by 1",
        lines: &[
            "approved caio {} false",
            "approved elisa {elisa} true",
            "draft elisa {elisa} false",
            "draft quem-saiu {} false",
        ],
    },
    // What waits is in the queue and what was claimed is under its lease, from before and since.
    Carried {
        by: 20_261_205_040_000,
        sql: "select o.address || ' ' || q.held || ' ' || q.passed_on || ' ' || (q.priority = o.priority) from outbox_queue q
              join outbox o on o.id = q.id order by q.id",
        lines: &[
            "pedro@exemplo.invalid false false true",
            "ivo@exemplo.invalid true true true",
            "+5532900000008 false false true",
        ],
    },
    Carried {
        by: 20_261_205_040_000,
        sql: "select l.channel || ' ' || string_agg(o.address || ' ' || (o.lease_until = l.until), ', ') from outbox_lease l
              join outbox o on o.id = any (l.ids) group by l.id, l.channel order by l.id",
        lines: &["sms +5532900000002 true", "email rita@exemplo.invalid true"],
    },
    // What was given in an exercise counts for nothing.
    Carried {
        by: 20_261_205_060_320,
        sql: "select i.number || ' ' || d.drill || ' ' || count(*) from aid_delivery d join incident i on i.id = d.incident_id
              group by i.number, d.drill order by 1",
        lines: &["2026/001 false 2", "2026/003 true 1"],
    },
    // What was opened before is counted in the year of its number, or of the world's clock.
    Carried {
        by: 20_261_206_100_000,
        sql: "select title || ' ' || opened_year || ' ' || counted_year || ' ' || (search @@ case_query('licitacoes', 'transparency')) from case_file
              where title in ('Obras de contenção', 'Vagas em creche', 'Licitações de 2025', 'Aberto na virada do ano') order by 1",
        lines: &[
            "Aberto na virada do ano 2025 2025 false",
            "Licitações de 2025 2026 2026 true",
            "Obras de contenção 2025 2025 false",
            "Vagas em creche 2026 2026 false",
        ],
    },
    // A deadline of a restricted case says its number, or its type where it has none.
    Carried {
        by: 20_261_206_110_000,
        sql: "select title from deadline where subject_kind = 'case' order by 1",
        lines: &["ETI 2026/001", "OUV 2026/012", "sic.request"],
    },
    // A repeat of a repeat is a story of its own, and matches know what their item is.
    Carried {
        by: 20_261_207_020_000,
        sql: "select i.guid || ' ' || f.guid || ' ' || m.state || ' ' || m.is_first || ' ' || (m.published_at = i.published_at) from media_match m
              join media_item i on i.id = m.item_id join media_item f on f.id = i.first_id order by 1",
        lines: &[
            "g-1 g-1 selected true true",
            "g-2 g-1 candidate false true",
            "g-3 g-3 new true true",
            "g-5 g-5 candidate true true",
        ],
    },
    // Texts lie in the order of their random ids, whole.
    Carried {
        by: 20_261_207_020_100,
        sql: "select text || ' ' || state || ' ' || coalesce(checked_by, '-') from evaluation_comment order by ctid",
        lines: &["A fila começa na rua. shown ana", "Falta cobertura. waiting -"],
    },
    // Acts from before have no place of their own in the chain; those since have one.
    Carried {
        by: 20_261_207_030_000,
        sql: "select i.kind || ' ' || a.seq || ' ' || (a.hash is not null) || ' ' || (a.covers is not null) from instrument_act a
              join instrument i on i.id = a.instrument_id order by 1",
        lines: &[
            "fomento 1 false false",
            "fomento 2 false false",
            "fomento 3 true false",
            "portfolio 1 false false",
            "portfolio 2 true true",
        ],
    },
    // Of an outlet that left the list its name stays, and nothing that reaches somebody.
    Carried {
        by: 20_261_207_030_100,
        sql: "select name || ' ' || coalesce(email, '-') || ' ' || contact from press_outlet order by 1",
        lines: &["Folha da Serra redacao@exemplo.invalid Redação", "Jornal da Tarde - ", "Rádio do Vale - "],
    },
    // What citizens wrote is searched nowhere; of a manifestation the subject neither.
    Carried {
        by: 20_261_207_030_200,
        sql: "select words || ' ' || (search @@ case_query('palmeiras', null)) || ' ' || (search @@ case_query('vizinho', null)) from case_file
              where type_key in ('sic.request', 'ombudsman.manifestation') order by 1",
        lines: &[
            "Muro da escola false false",
            "OUV 2026/012 Secretaria de Meio Ambiente complaint false false",
            "SIC 2025/007 Obras de contenção Secretaria de Obras atendido obras false false",
            "Vagas em creche false false",
        ],
    },
    // A feed that fails is silent since its last answer; of one that never answered nobody knows.
    Carried {
        by: 20_261_207_080_000,
        sql: "select name || ' ' || coalesce(to_char(silent_since at time zone 'UTC', 'MM-DD HH24:MI'), '-') from feed order by 1",
        lines: &["ana -", "cemaden -", "inmet 02-01 06:00", "sgb 02-17 18:00"],
    },
    // Every row beside the acts has its link, without a gap; what was written since has one more.
    Carried {
        by: 20_261_207_110_000,
        sql: "select kind || ' ' || count(distinct subject) || ' ' || count(*) || ' ' || bool_and(whole) from (
                  select kind, subject, seq = row_number() over (partition by kind, subject order by seq) as whole from chain_link) link
              group by kind order by 1",
        lines: &["body 2 26 true", "budget 1 7 true", "case 3 3 true", "instrument 1 7 true"],
    },
    // What was sent to an outlet that left keeps no address either.
    Carried {
        by: 20_261_207_120_100,
        sql: "select address from notice where purpose = 'press_release' order by 1",
        lines: &["redacao@exemplo.invalid"],
    },
    // What was signed goes on under the rules of the day of its signing.
    Carried {
        by: 20_261_207_150_000,
        sql: "select d.state || ' ' || i.module || ' ' || coalesce(d.governed_on::text, '-') from deadline d join instrument i on i.id = d.subject_id
              where d.subject_kind = 'instrument' order by 1",
        lines: &["open agreements 2026-01-30"],
    },
    // A letter of before is counted by what it had in it.
    Carried {
        by: 20_261_207_170_000,
        sql: "select to_char(at at time zone 'UTC', 'MM-DD HH24:MI') || ' ' || publications from segment_digest order by 1",
        lines: &["01-21 13:05 1"],
    },
    // The briefing of a mission is searched no more, and the rest of it is.
    Carried {
        by: 20_261_207_180_000,
        sql: "select words || ' ' || (search @@ case_query('contrapartida', null)) || ' ' || (search @@ case_query('capital', null)) from case_file
              where type_key = 'representation.mission'",
        lines: &["MIS 2026/001 Reunião na capital Belo Horizonte false true"],
    },
    // What was published of a case is chained behind what was kept of it.
    Carried {
        by: 20_261_207_190_000,
        sql: "select c.title || ' ' || l.seq from chain_link l join case_publication p on p.id::text = l.key join case_file c on c.id = p.case_id
              where l.table_name = 'case_publication' order by 1",
        lines: &["Licitações de 2025 1"],
    },
    // What everybody reads of an instrument is its first version, by the last act until then and with the sum of what it says.
    Carried {
        by: 20_261_207_190_100,
        sql: "select p.module || ' ' || p.seq || ' ' || p.act || ' ' || p.published_by || ' ' || (p.snapshot ->> 'object') || ' ' || (p.sha256 is not null)
                  || ' ' || (exists (select from chain_link l where l.table_name = 'instrument_publication' and l.key = p.id::text))
              from instrument_publication p order by 1",
        lines: &["agreements 1 start ana Oficinas de autoproteção em escolas true true"],
    },
];

/// What is not as it should be, a sentence for each.
pub async fn amiss(conn: &mut PgConnection) -> Vec<String> {
    let mut amiss = Vec::new();
    for one in CARRIED {
        let found = match sqlx::query_scalar::<_, String>(one.sql).fetch_all(&mut *conn).await {
            Ok(found) => found,
            Err(error) => {
                amiss.push(format!("what migration {} carried over cannot be asked for: {error}\n{}", one.by, one.sql));
                continue;
            }
        };
        if found != one.lines {
            let mut told = format!("migration {} carried over something else than it should:\n{}", one.by, one.sql);
            let _ = write!(told, "\nexpected {:#?}\nfound {found:#?}", one.lines);
            amiss.push(told);
        }
    }
    amiss
}

/// Whether what this migration made of rows is asked for above.
pub fn is_asked_for(version: i64) -> bool {
    CARRIED.iter().any(|one| one.by == version)
}
