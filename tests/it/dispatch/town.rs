//! A town of one square kilometre at 21.7° S: an area of risk, and people inside, near and away.

use sentinela::dispatch::outbox::{self, Enqueued};
use sentinela::ids::AlertId;
use sqlx::Executor as _;
use uuid::Uuid;

use crate::support::{TestDb, start_at};

/// The area spans longitudes -43.41 to -43.40 and latitudes -21.71 to -21.70.
pub const INSIDE: (f64, f64) = (-43.405, -21.705);
/// 31 m north of the border.
pub const NEAR: (f64, f64) = (-43.405, -21.699_72);
/// 5 km away.
pub const AWAY: (f64, f64) = (-43.405, -21.65);

pub struct Town<'a> {
    pub db: &'a TestDb,
}

impl<'a> Town<'a> {
    /// The area, with grade R3 for landslides, and a small R4 area at its south-west corner.
    pub async fn new(db: &'a TestDb) -> Self {
        db.pool
            .execute(
                "insert into risk_area (code, name, geom, created_at, updated_at) values
                ('a', 'Bom Pastor', st_multi(st_makeenvelope(-43.41, -21.71, -43.40, -21.70, 4326)), now(), now()),
                ('b', 'Santa Luzia', st_multi(st_makeenvelope(-43.412, -21.712, -43.408, -21.708, 4326)), now(), now());
                insert into area_hazard select id, '1.1.3.2.1', case code when 'a' then 'R3' else 'R4' end from risk_area",
            )
            .await
            .unwrap();
        Self { db }
    }

    /// A resident with a place and verified channels: `+…` is a telephone, anything else an e-mail address.
    pub async fn resident(&self, at: (f64, f64), precision_m: i32, addresses: &[&str]) -> Uuid {
        let id = Uuid::from_u128(self.count("resident").await as u128 + 1);
        sqlx::query(
            "insert into resident (id, consent_at, consent_source, created_at) values ($1, now(), 'test', now())",
        )
        .bind(id)
        .execute(&self.db.pool)
        .await
        .unwrap();
        sqlx::query(
            "insert into resident_place (resident_id, geom, precision_m) values ($1, st_setsrid(st_makepoint($2, $3), 4326), $4)",
        )
        .bind(id)
        .bind(at.0)
        .bind(at.1)
        .bind(precision_m)
        .execute(&self.db.pool)
        .await
        .unwrap();
        for address in addresses {
            sqlx::query(
                "insert into resident_channel (resident_id, kind, address, verified_at) values ($1, $2, $3, now())",
            )
            .bind(id)
            .bind(if address.starts_with('+') { "sms" } else { "email" })
            .bind(address)
            .execute(&self.db.pool)
            .await
            .unwrap();
        }
        id
    }

    /// An issued alert over both areas, as if at `start_at`, that lives for `minutes`.
    pub async fn alert(&self, kind: &str, references: Option<AlertId>, minutes: i32) -> AlertId {
        self.alert_of(kind, references, minutes, "actual", "Defesa Civil: risco de deslizamento. Saia.").await
    }

    pub async fn alert_of(
        &self,
        kind: &str,
        references: Option<AlertId>,
        minutes: i32,
        status: &str,
        sms_text: &str,
    ) -> AlertId {
        let id = self.draft_of(kind, references, minutes, status, sms_text).await;
        self.issue(id).await;
        id
    }

    /// One that has not left: texts can still be added.
    pub async fn draft_of(
        &self,
        kind: &str,
        references: Option<AlertId>,
        minutes: i32,
        status: &str,
        sms_text: &str,
    ) -> AlertId {
        let number = self.count("alert").await + 1;
        let id = AlertId(Uuid::from_u128(0xa1e7_0000 + number as u128));
        sqlx::query(
            "insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text, severity,
                urgency, certainty, expires_at, references_alert_id, created_at, created_by)
            values ($1, 'draft', $2, $7, '1.1.3.2.1', 'alert', 'Risco alto de deslizamento', 'Choveu 90 mm em 24 horas.',
                'Saia de casa agora.', $6, 'Severe', 'Immediate', 'Likely', $3 + make_interval(mins => $4), $5, $3, 'test')",
        )
        .bind(id)
        .bind(kind)
        .bind(start_at())
        .bind(minutes)
        .bind(references)
        .bind(sms_text)
        .bind(status)
        .execute(&self.db.pool)
        .await
        .unwrap();
        sqlx::query("insert into alert_area (alert_id, area_id, name, geom) select $1, id, name, geom from risk_area")
            .bind(id)
            .execute(&self.db.pool)
            .await
            .unwrap();
        id
    }

    /// Lets a draft leave. Nobody is told yet.
    pub async fn issue(&self, id: AlertId) {
        sqlx::query(
            "update alert set state = 'issued', approved_at = $2, approved_by = 'test', issued_at = $2, number = $3,
                cap_identifier = 'X-' || $3, cap_sender = 's', cap_sent = 't', cap_xml = '<alert/>' where id = $1",
        )
        .bind(id)
        .bind(start_at())
        .bind(self.count("alert").await.to_string())
        .execute(&self.db.pool)
        .await
        .unwrap();
    }

    /// An exercise under way, which these residents joined: every exercise alert made from now on belongs to it.
    pub async fn exercise(&self, joined: &[Uuid]) -> Uuid {
        let id = Uuid::from_u128(0xe8e2_0000);
        sqlx::query(
            "insert into exercise (id, code, title, cobrade, responsible, starts_at, ends_at, announce_days, announce_hours, state,
                changed_at, created_at, created_by, started_at, started_by)
            values ($1, 'simulado', 'Simulado', '1.1.3.2.1', 'Ana', $2, $2 + interval '3 hours', 0, 0, 'running', $2, $2, 'ana', $2, 'ana')",
        )
        .bind(id)
        .bind(start_at())
        .execute(&self.db.pool)
        .await
        .unwrap();
        for resident in joined {
            sqlx::query(
                "insert into exercise_participant (exercise_id, kind, resident_id, joined_at, joined_by)
                values ($1, 'resident', $2, $3, 'resident')",
            )
            .bind(id)
            .bind(resident)
            .bind(start_at())
            .execute(&self.db.pool)
            .await
            .unwrap();
        }
        id
    }

    /// One that is alive on the machine's own clock.
    pub async fn living_alert(&self, sms_text: &str) -> AlertId {
        let id = self.living_draft(sms_text).await;
        self.issue(id).await;
        id
    }

    pub async fn living_draft(&self, sms_text: &str) -> AlertId {
        let minutes = (sentinela::clock::Clock::System.now() - start_at()).num_minutes() + 60;
        self.draft_of("alert", None, minutes.try_into().unwrap(), "actual", sms_text).await
    }

    pub async fn enqueue(&self, alert: AlertId) -> Enqueued {
        let mut tx = self.db.pool.begin().await.unwrap();
        let enqueued = outbox::enqueue(&mut tx, start_at(), alert).await.unwrap();
        tx.commit().await.unwrap();
        enqueued
    }

    /// `address state basis reason` of each row, by address.
    pub async fn rows(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select trim(concat_ws(' ', address, state, basis, reason)) from outbox order by alert_id, address, resident_id",
        )
        .fetch_all(&self.db.pool)
        .await
        .unwrap()
    }

    pub async fn states(&self) -> Vec<String> {
        sqlx::query_scalar("select address || ' ' || state from outbox order by address, alert_id")
            .fetch_all(&self.db.pool)
            .await
            .unwrap()
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        let mut query = sqlx::QueryBuilder::<sqlx::Postgres>::new("select count(*) from ");
        query.push(table).build_query_scalar().fetch_one(&self.db.pool).await.unwrap()
    }
}
