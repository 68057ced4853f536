//! What everybody reads of a module: its publications, and nothing but them.

use std::pin::Pin;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use uuid::Uuid;

use super::super::page;
use super::super::view::View;
use super::{module, pairs};
use crate::app::App;
use crate::secretariat::beside::{self, Beside};
use crate::secretariat::kernel::define::CaseType;
use crate::secretariat::kernel::store::published::{self, Published};
use crate::secretariat::modules::Module;
use crate::web::error::ApiError;

/// Publications of the page; the API pages further.
const SHOWN: i64 = 100;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/secretaria/{module}/publicacoes", get(list))
        .route("/secretaria/{module}/publicacoes/{id}", get(show))
        // Where a module has pages of its own at this depth, its name in the path is no parameter.
        .route("/secretaria/orcamento/publicacoes", get(list_of("orcamento")))
        .route("/secretaria/comites/publicacoes", get(list_of("comites")))
        .route("/secretaria/parcerias/publicacoes", get(list_of("parcerias")))
        .route("/secretaria/captacao/publicacoes", get(list_of("captacao")))
        .route("/secretaria/projetos/publicacoes", get(list_of("projetos")))
}

type Answered = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;

/// The list of one module.
fn list_of(slug: &'static str) -> impl Fn(State<App>, View) -> Answered + Clone + Send + Sync + 'static {
    move |app, v| Box::pin(list(app, v, Path(slug.to_owned())))
}

/// A publication in words.
struct Told {
    one: Published,
    kind: String,
    state: String,
    pairs: Vec<(String, String)>,
}

impl Told {
    fn of(v: &View, def: &CaseType, one: Published) -> Self {
        Self {
            kind: def.title.of(v.lang).to_owned(),
            state: def.state_label(&one.view.state, v.lang),
            pairs: pairs(v, def, &one.view.fields),
            one,
        }
    }
}

#[derive(Template)]
#[template(path = "secretariat/sec_public_list.html")]
struct ListPage {
    v: View,
    module: &'static Module,
    all: Vec<Told>,
    /// What the module publishes that is no case.
    beside: Vec<Beside>,
}

impl ListPage {
    fn title(&self, one: &Beside) -> String {
        one.title(self.v.lang)
    }
}

async fn list(State(app): State<App>, v: View, Path(slug): Path<String>) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let mut conn = app.db.web.acquire().await?;
    let found = published::list(&mut conn, module.key(), None, None, (v.now, SHOWN)).await?;
    let all = all_told(&app, &mut conn, &v, found).await?;
    let today = v.now.with_timezone(&v.tz).date_naive();
    let wanted = beside::store::Wanted { module: Some(module.key()), before: None, today, most: SHOWN };
    let beside = beside::store::list(&mut conn, wanted).await?;
    page(&ListPage { v, module, all, beside })
}

#[derive(Template)]
#[template(path = "secretariat/sec_public.html")]
struct ShownPage {
    v: View,
    module: &'static Module,
    last: Told,
    /// What the last one corrects, the newest first.
    before: Vec<Told>,
}

async fn show(State(app): State<App>, v: View, Path((slug, id)): Path<(String, Uuid)>) -> Result<Response, ApiError> {
    let module = module(&slug)?;
    let mut conn = app.db.web.acquire().await?;
    let mut found = published::of_case(&mut conn, id, v.now).await?;
    found.retain(|one| one.module == module.key());
    let mut all = all_told(&app, &mut conn, &v, found).await?.into_iter();
    let last = all.next().ok_or_else(|| ApiError::NotFound(format!("publication {id}")))?;
    page(&ShownPage { v, module, last, before: all.collect() })
}

async fn all_told(
    app: &App,
    conn: &mut sqlx::PgConnection,
    v: &View,
    found: Vec<Published>,
) -> sqlx::Result<Vec<Told>> {
    let mut all = Vec::with_capacity(found.len());
    for one in found {
        let kept = app.cases.version(&mut *conn, &one.view.type_key, one.view.version).await?;
        all.push(Told::of(v, &kept.def, one));
    }
    Ok(all)
}
