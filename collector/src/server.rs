//! The routes, the connections, the start and the end.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutWriter;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::cli::ServeOptions;
use crate::error::ApiError;
use crate::ruleset::RulesetFile;
use crate::sqlite::Sqlite;
use crate::store::{Store, StoreError};
use crate::writer::Writer;
use crate::{delivery, exposures, ingest, log, report, ruleset};

/// The most connections at a time; more wait to be accepted. Below the 1024 files that a process may usually open.
const MAX_CONNECTIONS: usize = 800;
/// The most questions that the store is asked at a time. Each opens the file, its log and its index.
const MAX_ASKING: usize = 16;
/// The most bodies that are unpacked and read at a time.
const MAX_READING: usize = 8;
/// How long a connection may take to send a request's head, and how long it may rest between two requests.
const MAX_HEAD_TIME: Duration = Duration::from_secs(30);
/// How long the writing of a response may stand still because its client takes nothing of it.
const MAX_WRITE_PAUSE: Duration = Duration::from_secs(30);
/// How much of an answer the system is asked to keep for a client, in bytes; it takes about as much again. Writing stands
/// still until a third of that is read: were it megabytes, a slow client would look like one that reads nothing.
const SEND_BUFFER_BYTES: usize = 128 << 10;
/// How long the requests in flight may take to end when the collector is told to stop.
const MAX_STOPPING_TIME: Duration = Duration::from_secs(10);
/// How long to wait when a connection cannot be accepted, such as when the process has no file left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a browser may remember that a page of another origin is allowed to send.
const PREFLIGHT_TIME: Duration = Duration::from_secs(7200);

/// What the routes share.
pub struct App {
    pub store: Arc<dyn Store>,
    pub writer: Writer,
    pub ruleset: RulesetFile,
    pub reading: Arc<Semaphore>,
    pub refusals: log::Throttle,
    asking: Semaphore,
    pub max_body_bytes: usize,
    pub max_unpacked_bytes: usize,
}

impl App {
    /// What `question` finds in the store, asked where waiting for the disk holds up nobody else.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let _turn = self.asking.acquire().await;
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || question(&*store))
            .await
            .map_err(|error| ApiError::unavailable(format!("reading the store failed: {error}")))?
            .map_err(|error| ApiError::unavailable(error.to_string()))
    }
}

/// Runs the collector until SIGINT or SIGTERM.
///
/// # Errors
/// What keeps it from starting, in one sentence.
pub fn run(options: &ServeOptions) -> Result<(), String> {
    let cors = cors(&options.cors_origins)?;
    if let Some(folder) = options.www.as_deref().filter(|folder| !folder.is_dir()) {
        return Err(format!("--www: there is no folder {}", folder.display()));
    }
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&options.data).map_err(|error| format!("--data: {error}"))?);
    let (writer, writing) =
        Writer::start(Arc::clone(&store)).map_err(|error| format!("cannot start the writing thread: {error}"))?;
    let app = Arc::new(App {
        store,
        writer,
        ruleset: RulesetFile::new(&options.ruleset),
        reading: Arc::new(Semaphore::new(MAX_READING)),
        refusals: log::Throttle::default(),
        asking: Semaphore::new(MAX_ASKING),
        max_body_bytes: options.max_body_bytes as usize,
        max_unpacked_bytes: options.max_unpacked_bytes as usize,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    runtime.block_on(async {
        let listener = listen(&options.host, options.port).await?;
        serve(listener, router(app, cors, options.www.as_deref())).await
    })?;
    // Ends what still hangs on a connection, and with it the last handle to the writer.
    runtime.shutdown_timeout(MAX_STOPPING_TIME);
    writing.join().map_err(|_| "the writing thread died".to_owned())
}

fn router(app: Arc<App>, cors: Option<CorsLayer>, www: Option<&Path>) -> Router {
    // Only what pages need is open to other origins; what was stored is not.
    let mut open =
        Router::new().route("/api/switch/exposures", post(ingest::post)).route("/ruleset.json", get(ruleset::get));
    if let Some(cors) = cors {
        open = open.layer(cors);
    }
    let routes = open
        .route("/api/report/delivery", get(delivery::get))
        .route("/api/report/{flag}", get(report::get))
        .route("/api/exposures", get(exposures::get))
        .route("/healthz", get(healthz));
    let routes = match www {
        // Revalidated at each use: the files of a page change together.
        Some(folder) => routes.fallback_service(
            tower::ServiceBuilder::new()
                .layer(set_header(header::CACHE_CONTROL, "no-cache"))
                .service(ServeDir::new(folder)),
        ),
        None => routes.fallback(nothing_here),
    };
    routes.layer(set_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")).with_state(app)
}

fn set_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Whether the writing thread runs and the store can be read, with its counts.
async fn healthz(State(app): State<Arc<App>>) -> Result<Json<serde_json::Value>, ApiError> {
    if !app.writer.is_running() {
        return Err(ApiError::unavailable("the writing thread has ended"));
    }
    let counts = app.read(|store| store.counts()).await?;
    let counts: serde_json::Map<_, _> = counts.into_iter().map(|(name, value)| (name, value.into())).collect();
    Ok(Json(serde_json::json!({ "status": "ok", "counts": counts })))
}

async fn nothing_here() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "there is nothing at this address")
}

/// Which pages of other origins may use the collector; `None`: none.
fn cors(origins: &[String]) -> Result<Option<CorsLayer>, String> {
    if origins.is_empty() {
        return Ok(None);
    }
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().map(|origin| parse_origin(origin)).collect::<Result<Vec<_>, _>>()?)
    };
    Ok(Some(
        CorsLayer::new()
            .allow_origin(origin)
            .allow_methods([Method::GET, Method::POST])
            // Whatever headers the page's client is set to send: nothing here trusts a header, and no cookie is allowed.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([header::RETRY_AFTER, header::DATE, header::ETAG, ingest::REFUSED])
            .max_age(PREFLIGHT_TIME),
    ))
}

fn parse_origin(origin: &str) -> Result<HeaderValue, String> {
    let expected = "expected scheme://host or scheme://host:port, as browsers send it, or *";
    let host = origin.split_once("://").map(|(_, host)| host).unwrap_or_default();
    if host.is_empty() || host.contains('/') || origin != origin.to_lowercase() {
        return Err(format!("--cors-origin is \"{origin}\", {expected}"));
    }
    HeaderValue::from_str(origin).map_err(|_| format!("--cors-origin is \"{origin}\", {expected}"))
}

async fn listen(host: &str, port: u16) -> Result<TcpListener, String> {
    TcpListener::bind((host, port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {port} of {host} is taken by another program; choose another with --port")
        }
        _ => format!("cannot listen on {host} port {port}: {error}"),
    })
}

/// Serves until told to stop, then ends what is in flight.
async fn serve(listener: TcpListener, routes: Router) -> Result<(), String> {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    announce(address);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop_signal()?);
    loop {
        let accepted = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                log::line(&format!("cannot accept a connection: {error}"));
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES);
        let connection = connections.watch(connection(stream, routes.clone()));
        tokio::spawn(async move {
            // A broken connection is the client's affair.
            let _ = connection.await;
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(MAX_STOPPING_TIME, connections.shutdown()).await.is_err() {
        log::line(&format!("requests still in flight after {} s are cut off", MAX_STOPPING_TIME.as_secs()));
    }
    Ok(())
}

type Connection<S> = http1::Connection<TokioIo<Pin<Box<TimeoutWriter<S>>>>, TowerToHyperService<Router>>;

/// Serves the requests that come over `stream`; ends with an error when its client lets it wait for too long.
fn connection<S: AsyncRead + AsyncWrite>(stream: S, routes: Router) -> Connection<S> {
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(MAX_WRITE_PAUSE));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEAD_TIME)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(routes))
}

fn announce(address: SocketAddr) {
    // A closed stdout is no reason not to serve.
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "listening on http://{address}");
    let _ = out.flush();
}

/// Ends with SIGINT or SIGTERM.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let on = |kind| signal(kind).map_err(|error| format!("cannot watch for signals: {error}"));
    let (mut interrupt, mut terminate) = (on(SignalKind::interrupt())?, on(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends with Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::task::JoinHandle;

    use super::*;

    const BODY_BYTES: usize = 64 << 10;
    /// What is under way between the collector and its client at most.
    const BUFFER_BYTES: usize = 1 << 10;

    /// A client that has asked for something long, and what serves it.
    async fn asked() -> (DuplexStream, JoinHandle<hyper::Result<()>>) {
        let routes = Router::new().route("/", get(|| async { "x".repeat(BODY_BYTES) }));
        let (mut client, stream) = tokio::io::duplex(BUFFER_BYTES);
        let serving = tokio::spawn(connection(stream, routes));
        client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        (client, serving)
    }

    fn is_timeout(error: &hyper::Error) -> bool {
        let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
        source.is_some_and(|source| source.kind() == std::io::ErrorKind::TimedOut)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_for_30_s_is_left() {
        let (mut client, serving) = asked().await;
        assert!(is_timeout(&serving.await.unwrap().unwrap_err()));
        let mut came = Vec::new();
        client.read_to_end(&mut came).await.unwrap();
        assert_eq!(came.len(), BUFFER_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_halfway_is_left() {
        let (mut client, serving) = asked().await;
        client.read_exact(&mut [0; BODY_BYTES / 2]).await.unwrap();
        assert!(is_timeout(&serving.await.unwrap().unwrap_err()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_gets_all_of_it() {
        let (mut client, serving) = asked().await;
        let (mut came, mut part) = (Vec::new(), [0; BUFFER_BYTES]);
        loop {
            // Never as long as the limit, and half an hour over all.
            tokio::time::sleep(MAX_WRITE_PAUSE - Duration::from_secs(1)).await;
            match client.read(&mut part).await.unwrap() {
                0 => break,
                bytes => came.extend_from_slice(&part[..bytes]),
            }
        }
        serving.await.unwrap().unwrap();
        assert!(came.ends_with(&[b'x'; BODY_BYTES]));
    }
}
