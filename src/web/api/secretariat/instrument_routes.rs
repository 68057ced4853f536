//! What the modules on instruments have over HTTP, written once: handlers and their place in the API document. Each module keeps its table of routes,
//! so that a path is found where it is looked for.
//!
//! utoipa documents functions and knows no generic ones, so that a macro writes them for each module.

/// Names that stand in what the macro writes.
pub mod names {
    pub use axum::extract::{DefaultBodyLimit, Path, State};
    pub use axum::http::{HeaderMap, StatusCode};
    pub use axum::response::Response;
    pub use axum::routing::{get, post};
    pub use axum::{Json, Router};
    pub use bytes::Bytes;
    pub use uuid::Uuid;

    pub use crate::app::App;
    pub use crate::secretariat::kernel::instrument::exchange::{Imported, MAX_BYTES};
    pub use crate::secretariat::kernel::instrument::report::Report;
    pub use crate::secretariat::kernel::instrument::store::{Listed, PAGE, PublicVersion};
    pub use crate::web::api::imports::Query;
    pub use crate::web::api::secretariat::instruments::{
        self, AfterQuery, DocumentQuery, ListQuery, Made, PublicList, Shown,
    };
    pub use crate::web::api::secretariat::printed::{self, Language, Version};
    pub use crate::web::auth::{May, can};
    pub use crate::web::error::{ApiError, Problem};
    pub use crate::web::json::StrictJson;
    pub use crate::web::pages::secretariat::paper as made;
    pub use crate::web::pages::view::View;
}

/// Writes the handlers into a module that has imported all of `names`. The call names what differs: the type with what
/// opens one and its acts, the path and the tag as string literals, what they are called in a sentence, and the schema of an act.
macro_rules! instrument_routes {
    (
        what: $what:ident,
        opening: $opening:ident,
        act: $act:ident,
        at: $at:tt,
        tag: $tag:tt,
        things: $things:tt,
        asked: $asked:ident $(,)?
    ) => {
        /// Lists them, the newest first, 50 a page.
        ///
        /// # Errors
        /// 400, 401, 403.
        #[utoipa::path(get, path = $at, tag = $tag,
            summary = concat!("Lists ", $things, ", the newest first, 50 a page."), params(ListQuery),
            responses((status = 200, body = Vec<Listed>), (status = 401, body = Problem), (status = 403, body = Problem)),
            security(("api_token" = [])))]
        pub async fn list(
            State(app): State<App>,
            _: May<can::SeeSecretariat>,
            axum::extract::Query(query): axum::extract::Query<ListQuery>,
        ) -> Result<Json<Vec<Listed>>, ApiError> {
            Ok(Json(instruments::list::<$what>(&app, query).await?))
        }

        /// Opens one.
        ///
        /// # Errors
        /// 400 naming the field; 409; 401, 403 with the role that is missing.
        #[utoipa::path(post, path = $at, tag = $tag, request_body = $opening,
            responses((status = 201, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
                (status = 403, body = Problem), (status = 409, body = Problem)),
            security(("api_token" = [])))]
        pub async fn open(
            State(app): State<App>,
            staff: May<can::WorkSecretariat>,
            StrictJson(opening): StrictJson<$opening>,
        ) -> Result<(StatusCode, Json<Shown>), ApiError> {
            Ok((StatusCode::CREATED, Json(instruments::open::<$what>(&app, &staff, opening).await?)))
        }

        /// Shows one with its money, deadlines, acts and documents.
        ///
        /// # Errors
        /// 404; 401, 403.
        #[utoipa::path(get, path = concat!($at, "/{id}"), tag = $tag, params(("id" = Uuid, Path,)),
            responses((status = 200, body = Shown), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
            security(("api_token" = [])))]
        pub async fn show(
            State(app): State<App>,
            staff: May<can::SeeSecretariat>,
            Path(id): Path<Uuid>,
        ) -> Result<Json<Shown>, ApiError> {
            Ok(Json(instruments::show::<$what>(&app, &staff, id).await?))
        }

        /// Prints one as the caller may read it: parties, plan, money, deadlines with how each day came about, documents with their SHA-256,
        /// and every act.
        ///
        /// # Errors
        /// 400 naming the parameter; 404; 401, 403.
        #[utoipa::path(get, path = concat!($at, "/{id}/paper.pdf"), tag = $tag, params(("id" = Uuid, Path,), Language),
            responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 400, body = Problem),
                (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
            security(("api_token" = [])))]
        pub async fn paper(
            State(app): State<App>,
            staff: May<can::SeeSecretariat>,
            Path(id): Path<Uuid>,
            Query(language): Query<Language>,
            v: View,
        ) -> Result<Response, ApiError> {
            printed::known(language.lang.as_deref())?;
            let paper = made::of_instrument::<$what>(&app, &staff, &v, id).await?;
            printed::inline(paper, &format!("instrumento-{id}")).await
        }

        /// An act, and the revision on which it was decided.
        #[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
        #[schema(as = $asked)]
        #[serde(deny_unknown_fields)]
        pub struct Asked {
            #[serde(default)]
            pub revision: Option<i32>,
            pub act: $act,
        }

        /// Does an act. One that the law or the state forbids is refused with the reason and the law.
        ///
        /// # Errors
        /// 400 naming the field; 404; 409 with the reason; 401, 403 with the role that is missing.
        #[utoipa::path(post, path = concat!($at, "/{id}/acts"), tag = $tag, params(("id" = Uuid, Path,)), request_body = Asked,
            responses((status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
                (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
            security(("api_token" = [])))]
        pub async fn act(
            State(app): State<App>,
            staff: May<can::WorkSecretariat>,
            Path(id): Path<Uuid>,
            StrictJson(asked): StrictJson<Asked>,
        ) -> Result<Json<Shown>, ApiError> {
            Ok(Json(instruments::act::<$what>(&app, &staff, (id, asked.revision), asked.act).await?))
        }

        /// Adds a document, at most 10 MiB; its hash is kept.
        ///
        /// # Errors
        /// 400 naming the field; 404; 409 when it is there already; 401, 403.
        #[utoipa::path(post, path = concat!($at, "/{id}/documents"), tag = $tag, params(("id" = Uuid, Path,), DocumentQuery),
            request_body(content = Vec<u8>, content_type = "application/octet-stream"),
            responses((status = 201, body = Made), (status = 400, body = Problem), (status = 401, body = Problem),
                (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
            security(("api_token" = [])))]
        pub async fn add_document(
            State(app): State<App>,
            staff: May<can::WorkSecretariat>,
            Path(id): Path<Uuid>,
            axum::extract::Query(query): axum::extract::Query<DocumentQuery>,
            headers: HeaderMap,
            body: Bytes,
        ) -> Result<(StatusCode, Json<Made>), ApiError> {
            let made = instruments::add_document::<$what>(&app, &staff, id, (query, &headers, &body)).await?;
            Ok((StatusCode::CREATED, Json(made)))
        }

        /// Gives a document as it came, to whoever may read it.
        ///
        /// # Errors
        /// 404, also for one that is for whoever works in the module alone; 401, 403.
        #[utoipa::path(get, path = concat!($at, "/{id}/documents/{document}"), tag = $tag,
            params(("id" = Uuid, Path,), ("document" = Uuid, Path,)),
            responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 401, body = Problem),
                (status = 403, body = Problem), (status = 404, body = Problem)),
            security(("api_token" = [])))]
        pub async fn document(
            State(app): State<App>,
            staff: May<can::SeeSecretariat>,
            Path(ids): Path<(Uuid, Uuid)>,
        ) -> Result<Response, ApiError> {
            instruments::document::<$what>(&app, &staff, ids).await
        }

        /// Gives a document that was opened to everybody, while the instrument is public.
        ///
        /// # Errors
        /// 404.
        #[utoipa::path(get, path = concat!($at, "/public/{id}/documents/{document}"), tag = $tag,
            params(("id" = Uuid, Path,), ("document" = Uuid, Path,)),
            responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 404, body = Problem)))]
        pub async fn public_document(
            State(app): State<App>,
            Path(ids): Path<(Uuid, Uuid)>,
        ) -> Result<Response, ApiError> {
            instruments::public_document::<$what>(&app, ids).await
        }

        /// What ends soon, what is overdue, and what went out against what was accounted for.
        ///
        /// # Errors
        /// 401, 403.
        #[utoipa::path(get, path = concat!($at, "/report"), tag = $tag,
            responses((status = 200, body = Report), (status = 401, body = Problem), (status = 403, body = Problem)),
            security(("api_token" = [])))]
        pub async fn report(State(app): State<App>, _: May<can::SeeSecretariat>) -> Result<Json<Report>, ApiError> {
            Ok(Json(instruments::report::<$what>(&app).await?))
        }

        /// All of them with their past, one JSON a line; the import reads it back.
        ///
        /// # Errors
        /// 401, 403.
        #[utoipa::path(get, path = concat!($at, "/export"), tag = $tag,
            responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 401, body = Problem), (status = 403, body = Problem)),
            security(("api_token" = [])))]
        pub async fn export(State(app): State<App>, staff: May<can::WorkSecretariat>) -> Result<Response, ApiError> {
            instruments::export::<$what>(&app, &staff).await
        }

        /// Reads what an export wrote, whole or not at all.
        ///
        /// # Errors
        /// 400 naming the line; 409 when one is there and differs; 401, 403.
        #[utoipa::path(post, path = concat!($at, "/import"), tag = $tag, request_body(content = String, content_type = "application/x-ndjson"),
            responses((status = 200, body = Imported), (status = 400, body = Problem), (status = 401, body = Problem),
                (status = 403, body = Problem), (status = 409, body = Problem)),
            security(("api_token" = [])))]
        pub async fn import(
            State(app): State<App>,
            staff: May<can::WorkSecretariat>,
            body: Bytes,
        ) -> Result<Json<Imported>, ApiError> {
            Ok(Json(instruments::import::<$what>(&app, &staff, body).await?))
        }

        /// What everybody reads of them: fields by allow-list, 50 a page.
        ///
        /// # Errors
        /// 400.
        #[utoipa::path(get, path = concat!($at, "/public"), tag = $tag,
            summary = concat!("What everybody reads of ", $things, ": fields by allow-list, 50 a page."),
            params(AfterQuery), responses((status = 200, body = PublicList)))]
        pub async fn public(State(app): State<App>, Query(query): Query<AfterQuery>) -> Result<Json<PublicList>, ApiError> {
            Ok(Json(instruments::public::<$what>(&app, (query.after, PAGE)).await?))
        }

        /// Shows what everybody reads of one: the last version first, and what it corrects.
        ///
        /// # Errors
        /// 404 when nothing of it is public.
        #[utoipa::path(get, path = concat!($at, "/public/{id}"), tag = $tag, params(("id" = Uuid, Path,)),
            responses((status = 200, body = Vec<PublicVersion>), (status = 404, body = Problem)))]
        pub async fn public_one(State(app): State<App>, Path(id): Path<Uuid>) -> Result<Json<Vec<PublicVersion>>, ApiError> {
            Ok(Json(instruments::versions::<$what>(&app, id).await?))
        }

        /// Prints what everybody reads of one, from the snapshot of its page and nothing else.
        ///
        /// # Errors
        /// 400 naming the parameter; 404 when nothing of it, or not this version, is public.
        #[utoipa::path(get, path = concat!($at, "/public/{id}/paper.pdf"), tag = $tag, params(("id" = Uuid, Path,), Version),
            responses((status = 200, content_type = "application/pdf", body = Vec<u8>), (status = 400, body = Problem),
                (status = 404, body = Problem)))]
        pub async fn public_paper(
            State(app): State<App>,
            Path(id): Path<Uuid>,
            Query(asked): Query<Version>,
            headers: HeaderMap,
            v: View,
        ) -> Result<Response, ApiError> {
            printed::known(asked.lang.as_deref())?;
            let paper = made::of_public_instrument::<$what>(&app, &v.for_everyone(), (id, asked.version)).await?;
            printed::for_everybody(&headers, paper).await
        }

        /// The same as a file of commas.
        ///
        /// # Errors
        /// None of its own.
        #[utoipa::path(get, path = concat!($at, "/public.csv"), tag = $tag,
            responses((status = 200, body = String, content_type = "text/csv")))]
        pub async fn public_csv(State(app): State<App>) -> Result<Response, ApiError> {
            instruments::public_csv::<$what>(&app).await
        }
    };
}

pub(super) use instrument_routes;
