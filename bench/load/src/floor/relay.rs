//! The loop: clients on one side, pooled connections on the other.

use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddr};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

use super::line::{Came, Line};
use crate::fault::Fault;

const BUFFER: usize = 128 * 1024;
const EVENTS: usize = 1024;
const LISTENER: Token = Token(0);

/// The lengths of what passes, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Every request.
    pub request: usize,
    /// Every answer.
    pub response: usize,
    /// What a client sends before its first request.
    pub hello: usize,
    /// What it is answered.
    pub flight: usize,
    /// Whether answers of one turn are sent in one piece, as streams of one connection are.
    pub batch: bool,
}

/// The program's state.
pub struct Relay {
    poll: Poll,
    listener: TcpListener,
    backend: SocketAddr,
    shape: Shape,
    clients: Vec<Option<Client>>,
    servers: Vec<Server>,
    idle: Vec<usize>,
    answered: Vec<usize>,
    buffer: Vec<u8>,
}

struct Client {
    line: Line,
    hello_left: usize,
    request_left: usize,
    server: usize,
}

struct Server {
    line: Line,
    client: Option<usize>,
    response_left: usize,
    held: Vec<u8>,
}

impl Relay {
    /// Listen.
    pub fn new(listen: SocketAddr, backend: SocketAddr, shape: Shape) -> Result<Self, Fault> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(listen)?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            backend,
            shape,
            clients: Vec::new(),
            servers: Vec::new(),
            idle: Vec::new(),
            answered: Vec::new(),
            buffer: vec![0; BUFFER],
        })
    }

    /// Pass bytes until the process is ended.
    pub fn run(&mut self) -> Result<(), Fault> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                self.attend(event)?;
            }
            while let Some(client) = self.answered.pop() {
                if let Some(client) = &mut self.clients[client] {
                    client.line.flush()?;
                }
            }
        }
    }

    fn attend(&mut self, event: &Event) -> Result<(), Fault> {
        let Token(token) = event.token();
        let index = token / 2;
        if event.token() == LISTENER {
            self.accept()
        } else if token % 2 == 1 {
            self.attend_client(index)
        } else {
            self.attend_server(index - 1)
        }
    }

    fn accept(&mut self) -> Result<(), Fault> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            socket.set_nodelay(true)?;
            let place = self.clients.iter().position(Option::is_none);
            let index = place.unwrap_or_else(|| {
                self.clients.push(None);
                self.clients.len() - 1
            });
            let line = registered(self.poll.registry(), socket, Token(2 * index + 1))?;
            self.clients[index] = Some(Client {
                line,
                hello_left: self.shape.hello,
                request_left: 0,
                server: 0,
            });
        }
    }

    fn attend_client(&mut self, index: usize) -> Result<(), Fault> {
        let Some(client) = &mut self.clients[index] else {
            return Ok(());
        };
        if !client.line.is_clear() {
            client.line.flush()?;
            let server = client.server;
            if client.line.is_clear() && self.servers[server].client == Some(index) {
                self.read_server(server)?;
            }
        }
        self.read_client(index)
    }

    fn read_client(&mut self, index: usize) -> Result<(), Fault> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.read_client_through(index, &mut buffer);
        self.buffer = buffer;
        result
    }

    fn read_client_through(&mut self, index: usize, buffer: &mut [u8]) -> Result<(), Fault> {
        loop {
            let Some(client) = &mut self.clients[index] else {
                return Ok(());
            };
            if client.request_left > 0 && !self.servers[client.server].line.is_clear() {
                // Whoever empties that line reads on here.
                return Ok(());
            }
            match client.line.read(buffer)? {
                Came::Nothing => return Ok(()),
                Came::End => {
                    self.forget(index);
                    return Ok(());
                }
                Came::Bytes(length, is_empty) => {
                    self.pass_up(index, &buffer[..length])?;
                    if is_empty {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn pass_up(&mut self, index: usize, came: &[u8]) -> Result<(), Fault> {
        let mut rest = came;
        while !rest.is_empty() {
            let Some(client) = &mut self.clients[index] else {
                return Ok(());
            };
            if client.hello_left > 0 {
                let piece = client.hello_left.min(rest.len());
                client.hello_left -= piece;
                rest = &rest[piece..];
                if client.hello_left == 0 {
                    client.line.send(&vec![0; self.shape.flight])?;
                }
                continue;
            }
            if client.request_left == 0 {
                client.request_left = self.shape.request;
                let server = self.take_server(index)?;
                if let Some(client) = &mut self.clients[index] {
                    client.server = server;
                }
                continue;
            }
            let piece = client.request_left.min(rest.len());
            client.request_left -= piece;
            self.servers[client.server].line.send(&rest[..piece])?;
            rest = &rest[piece..];
        }
        Ok(())
    }

    fn take_server(&mut self, client: usize) -> Result<usize, Fault> {
        let index = match self.idle.pop() {
            Some(index) => index,
            None => self.connect()?,
        };
        let server = &mut self.servers[index];
        server.client = Some(client);
        server.response_left = self.shape.response;
        Ok(index)
    }

    fn connect(&mut self) -> Result<usize, Fault> {
        let socket = TcpStream::connect(self.backend)?;
        socket.set_nodelay(true)?;
        let index = self.servers.len();
        let line = registered(self.poll.registry(), socket, Token(2 * index + 2))?;
        self.servers.push(Server {
            line,
            client: None,
            response_left: 0,
            held: Vec::new(),
        });
        Ok(index)
    }

    fn attend_server(&mut self, index: usize) -> Result<(), Fault> {
        let server = &mut self.servers[index];
        if !server.line.is_clear() {
            server.line.flush()?;
            if let Some(client) = server.client
                && server.line.is_clear()
            {
                self.read_client(client)?;
            }
        }
        self.read_server(index)
    }

    fn read_server(&mut self, index: usize) -> Result<(), Fault> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.read_server_through(index, &mut buffer);
        self.buffer = buffer;
        result
    }

    fn read_server_through(&mut self, index: usize, buffer: &mut [u8]) -> Result<(), Fault> {
        while let Some(client) = self.servers[index].client {
            let is_clear = self.clients[client]
                .as_ref()
                .is_some_and(|client| client.line.is_clear());
            if !is_clear && !self.shape.batch {
                // Whoever empties that line reads on here.
                return Ok(());
            }
            match self.servers[index].line.read(buffer)? {
                Came::Nothing => return Ok(()),
                Came::End => return Err(Fault::new("the backend closed a connection")),
                Came::Bytes(length, is_empty) => {
                    self.pass_down(index, client, &buffer[..length])?;
                    if is_empty {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn pass_down(&mut self, index: usize, client: usize, came: &[u8]) -> Result<(), Fault> {
        let server = &mut self.servers[index];
        let left = server.response_left.checked_sub(came.len());
        server.response_left =
            left.ok_or_else(|| Fault::new("an answer is longer than it may be"))?;
        let is_whole = server.response_left == 0;
        if is_whole {
            server.client = None;
            self.idle.push(index);
        }
        let Some(to) = &mut self.clients[client] else {
            return Ok(());
        };
        if !self.shape.batch {
            return to.line.send(came);
        }
        // Answers to one client are sent whole, one after the other.
        if is_whole {
            to.line.queue(&server.held);
            to.line.queue(came);
            server.held.clear();
            self.answered.push(client);
        } else {
            server.held.extend_from_slice(came);
        }
        Ok(())
    }

    /// Let go of a client that left, and of connections whose answers nobody waits for any more.
    fn forget(&mut self, index: usize) {
        self.clients[index] = None;
        for server in &mut self.servers {
            if server.client == Some(index) {
                server.client = None;
                // An error would only say that it is closed already.
                let _ = server.line.socket.shutdown(Shutdown::Both);
            }
        }
    }
}

fn registered(registry: &Registry, mut socket: TcpStream, token: Token) -> Result<Line, Fault> {
    registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(Line::new(socket))
}
