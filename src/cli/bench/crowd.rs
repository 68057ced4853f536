//! A made-up town of any size for the benches of delivery: people inside and outside an area, and an alert over it.

use sqlx::PgPool;

use crate::app::App;
use crate::clock::{Clock, Instant};
use crate::dispatch::outbox;
use crate::ids::AlertId;

/// People around one area.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// Tells the areas of one bench apart; each lies far from the others.
    pub place: i32,
    pub residents: i32,
    pub inside: i32,
    /// Of the area's edge.
    pub vertices: i32,
    /// "sms" or "email".
    pub channel: &'static str,
}

impl Crowd {
    fn code(&self) -> String {
        format!("crowd-{}", self.place)
    }

    fn lon(&self) -> f64 {
        -40.0 - 2.0 * f64::from(self.place)
    }

    /// Puts them into the database: on a spiral, those inside first, so that the same figures make the same town.
    pub async fn furnish(&self, pool: &PgPool, now: Instant) -> anyhow::Result<()> {
        let mut tx = pool.begin().await?;
        sqlx::query!(
            r#"with area as (
                insert into risk_area (code, name, geom, created_at, updated_at)
                select $1::text, $1::text, st_multi(st_makepolygon(st_makeline(array(
                    select st_setsrid(st_makepoint(
                        $2 + 0.2 * (1 + 0.03 * sin(7 * (k % $3))) * cos(2 * pi() * (k % $3) / $3),
                        -21.7 + 0.2 * (1 + 0.03 * sin(7 * (k % $3))) * sin(2 * pi() * (k % $3) / $3)), 4326)
                    from generate_series(0, $3::integer) as k order by k)))), $4::timestamptz, $4::timestamptz
                returning id)
            insert into area_hazard (area_id, cobrade, grade) select id, '1.1.3.2.1', 'R3' from area"#,
            self.code(),
            self.lon(),
            self.vertices,
            now
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into resident (id, consent_at, consent_source, fictional, created_at)
            select ('00000000-0000-4000-8000-' || lpad(to_hex($1::bigint * 100000000 + n), 12, '0'))::uuid, $3, 'bench', true, $3
            from generate_series(1, $2::integer) as n",
            i64::from(self.place),
            self.residents,
            now
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into resident_place (resident_id, geom)
            select ('00000000-0000-4000-8000-' || lpad(to_hex($1::bigint * 100000000 + n), 12, '0'))::uuid,
                st_setsrid(st_makepoint($4 + r.away * cos(n * 2.399963), -21.7 + r.away * sin(n * 2.399963)), 4326)
            from generate_series(1, $2::integer) as n cross join lateral (
                select case when n <= $3::integer then 0.19 * sqrt(n::float8 / $3::integer)
                    else 0.25 + 0.3 * sqrt((n - $3::integer)::float8 / greatest($2::integer - $3::integer, 1)) end as away) as r",
            i64::from(self.place),
            self.residents,
            self.inside,
            self.lon()
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into resident_channel (resident_id, kind, address, verified_at)
            select ('00000000-0000-4000-8000-' || lpad(to_hex($1::bigint * 100000000 + n), 12, '0'))::uuid, $3::text,
                case $3::text when 'sms' then '+55' || (32900000000 + $1::bigint * 10000000 + n)
                    else 'r' || $1::bigint || '-' || n || '@bench.invalid' end, $4
            from generate_series(1, $2::integer) as n",
            i64::from(self.place),
            self.residents,
            self.channel,
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        sqlx::query!("analyze resident, resident_place, resident_channel").execute(pool).await?;
        Ok(())
    }

    /// Writes an issued alert over the area. Nobody is told yet.
    pub async fn alert(&self, pool: &PgPool, app: &App) -> anyhow::Result<AlertId> {
        let now = Clock::System.now();
        let id = AlertId(app.ids.uuid(now));
        let mut tx = pool.begin().await?;
        sqlx::query!(
            "insert into alert (id, state, kind, status, cobrade, level, headline, description, instruction, sms_text, severity,
                urgency, certainty, expires_at, created_at, created_by)
            values ($1, 'draft', 'alert', 'actual', '1.1.3.2.1', 'alert', 'Risco alto de deslizamento',
                'Choveu 90 mm em 24 horas.', 'Saia de casa agora.', 'Defesa Civil: risco de deslizamento. Saia.', 'Severe',
                'Immediate', 'Likely', $2::timestamptz + interval '6 hours', $2, 'bench')",
            id.0,
            now
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into alert_area (alert_id, area_id, name, geom) select $1, id, name, geom from risk_area where code = $2",
            id.0,
            self.code()
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "update alert set state = 'issued', approved_at = $2, approved_by = 'bench', issued_at = $2, number = id::text,
                cap_identifier = id::text, cap_sender = 's', cap_sent = 't', cap_xml = '<alert/>' where id = $1",
            id.0,
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(id)
    }
}

/// Tells the audience, as the transaction that issues an alert does.
pub async fn tell(app: &App, alert: AlertId) -> anyhow::Result<()> {
    let mut tx = app.db.web.begin().await?;
    outbox::enqueue(&mut tx, app.clock.now(), alert).await?;
    tx.commit().await?;
    Ok(())
}
