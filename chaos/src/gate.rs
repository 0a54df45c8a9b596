//! The chaotic port: open, or down.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::http::{Connection, NoHead};
use crate::site::Site;
use crate::{endpoint, files};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;
/// How long to wait when a connection cannot be accepted, such as when the process has no file left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

pub struct Gate {
    site: Arc<Site>,
    address: SocketAddr,
    state: State,
}

enum State {
    /// Accepts, and holds all connections.
    Open(JoinHandle<()>),
    /// The port is taken by a socket that does not listen: connections are refused, and nobody else gets the port.
    Down(TcpSocket),
    /// The port could not be taken again.
    Lost,
}

impl Gate {
    /// # Errors
    /// A port that cannot be listened on.
    pub fn open(port: u16, site: Arc<Site>) -> io::Result<Self> {
        let listener = reserve(SocketAddr::from(([127, 0, 0, 1], port)))?.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let state = State::Open(tokio::spawn(accept(listener, Arc::clone(&site))));
        Ok(Self { site, address, state })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Closes the port and ends all connections to it.
    pub async fn down(&mut self) -> io::Result<()> {
        if let State::Open(accepting) = std::mem::replace(&mut self.state, State::Lost) {
            accepting.abort();
            // An error says that it was aborted.
            let _ = accepting.await;
            self.state = State::Down(reserve(self.address)?);
        }
        Ok(())
    }

    /// Opens the port again.
    pub fn up(&mut self) -> io::Result<()> {
        let socket = match std::mem::replace(&mut self.state, State::Lost) {
            State::Open(accepting) => {
                self.state = State::Open(accepting);
                return Ok(());
            }
            State::Down(socket) => socket,
            State::Lost => reserve(self.address)?,
        };
        self.state = State::Open(tokio::spawn(accept(socket.listen(BACKLOG)?, Arc::clone(&self.site))));
        Ok(())
    }
}

fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections that ended a moment ago still hold the address.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    // Dropped with this task, and with it the connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&site)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves a connection to the chaotic port until it ends.
async fn serve(stream: TcpStream, site: Arc<Site>) {
    let mut connection = Connection::new(stream);
    loop {
        let head = match connection.head().await {
            Ok(head) => head,
            Err(NoHead::Closed) => return,
            Err(NoHead::NotHttp) => {
                site.ledger().not_http += 1;
                return;
            }
        };
        if head.path == "/exposures" {
            match endpoint::serve(connection, &head, &site).await {
                Ok(Some(next)) if site.keep_alive => connection = next,
                _ => return,
            }
        } else {
            let mut answer = files::get(&head, &site);
            tokio::time::sleep(files::delay(&head)).await;
            if !site.keep_alive {
                answer = answer.with("connection", "close");
            }
            if connection.send(&answer.to_bytes()).await.is_err() || !site.keep_alive {
                return;
            }
        }
    }
}
