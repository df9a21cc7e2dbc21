//! The state of the development server (`xtask/crates/dev-server`), which the landing page shows. A state is a line of
//! JSON.

use std::{io, net::Ipv4Addr, path::Path, time::Duration};

use futures_util::{StreamExt, stream};
use poem::{
    Endpoint, IntoResponse, Response,
    endpoint::make,
    web::sse::{Event, SSE},
};
use tokio::{
    fs,
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
};

use crate::{error::ApiError, health::Readiness};

/// The delay before a page reconnects, in milliseconds.
const RETRY: u64 = 200;
/// The error response while the development server is unreachable.
const UNREACHABLE: ApiError = ApiError::NotFound("development server");
/// The interval of keep-alive messages.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Returns the current state.
pub(crate) fn state(folder: &Path) -> impl Endpoint<Output = Response> + use<> {
    let folder = folder.to_owned();
    make(move |_| {
        let folder = folder.clone();
        async move {
            let line = ask(&folder, "status").await?.next_line().await.ok().flatten();
            let line = line.ok_or(UNREACHABLE)?;
            Ok::<_, poem::Error>(line.with_content_type("application/json").into_response())
        }
    })
}

/// Returns the current state and every change, as an event stream that ends when the server stops.
pub(crate) fn events(
    folder: &Path,
    readiness: &Readiness,
) -> impl Endpoint<Output = Response> + use<> {
    let (folder, readiness) = (folder.to_owned(), readiness.clone());
    make(move |_| {
        let (folder, readiness) = (folder.clone(), readiness.clone());
        async move {
            let states = stream::unfold(ask(&folder, "watch").await?, |mut lines| async {
                let line = lines.next_line().await.ok().flatten()?;
                Some((Event::message(line), lines))
            });
            let events = stream::iter([Event::retry(RETRY)]).chain(states);
            let events = events.take_until(Box::pin(readiness.ended()));
            Ok::<_, poem::Error>(SSE::new(events).keep_alive(KEEP_ALIVE).into_response())
        }
    })
}

/// Sends a request to the development server, whose port is in a file in `folder`.
async fn ask(folder: &Path, request: &str) -> Result<Lines<BufReader<TcpStream>>, ApiError> {
    let response = async {
        let port = fs::read_to_string(folder.join("control")).await?;
        let port: u16 = port.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.write_all(format!("{request}\n").as_bytes()).await?;
        io::Result::Ok(BufReader::new(stream).lines())
    };
    response.await.map_err(|_| UNREACHABLE)
}
