//! Forwards connections from ::1 to 127.0.0.1. `up` prints `localhost`, which some clients resolve only to ::1, but a
//! server inherits only one socket.

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use crate::report;

/// The pause after a failed accept, for example when file descriptors run out.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Listens on ::1 if `listen` is an address of 127.0.0.1.
pub(crate) fn forward(listen: &str) {
    let Ok(SocketAddr::V4(address)) = listen.parse() else { return };
    if *address.ip() != Ipv4Addr::LOCALHOST {
        return;
    }
    match TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())) {
        Ok(listener) => _ = thread::spawn(move || accept(&listener, address.into())),
        Err(error) if error.kind() == ErrorKind::AddrInUse => report::note(&format!(
            "another program uses [::1]:{0}, so clients that resolve localhost to ::1 reach that program. Use \
            http://127.0.0.1:{0} instead.",
            address.port()
        )),
        Err(_) => {}
    }
}

fn accept(listener: &TcpListener, server: SocketAddr) {
    for client in listener.incoming() {
        match client {
            Ok(client) => _ = thread::spawn(move || connect(client, server)),
            Err(_) => thread::sleep(BACK_OFF),
        }
    }
}

/// Copies in both directions until both sides have closed.
fn connect(client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut requests, mut responses) = (client.try_clone()?, server.try_clone()?);
    let (mut to_client, mut to_server) = (client, server);
    thread::spawn(move || copy(&mut responses, &mut to_client));
    copy(&mut requests, &mut to_server);
    Ok(())
}

fn copy(from: &mut TcpStream, to: &mut TcpStream) {
    // Errors are ignored, because one side may have closed the connection. The other side then gets the end of the
    // stream.
    let _ = io::copy(from, to);
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn connections_to_ipv6_loopback_reach_the_server() {
        let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = server.local_addr().expect("an address");
        if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
            return;
        }
        forward(&address.to_string());
        thread::spawn(move || {
            for stream in server.incoming() {
                let mut stream = stream.expect("a connection");
                let mut request = String::new();
                stream.read_to_string(&mut request).expect("a request");
                stream.write_all(request.to_uppercase().as_bytes()).expect("an open connection");
            }
        });
        for _ in 0..2 {
            let mut client =
                TcpStream::connect((Ipv6Addr::LOCALHOST, address.port())).expect("a listener");
            client.write_all(b"request").expect("an open connection");
            client.shutdown(Shutdown::Write).expect("an open connection");
            let mut response = String::new();
            client.read_to_string(&mut response).expect("a response");
            assert_eq!(response, "REQUEST");
        }
    }
}
