//! Interoperability with the client of the `h2` crate.
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use bytes::Bytes;
use edge_http::HeadLimits;
use edge_http::field_section::ResponseEncoder as _;
use edge_http::http2::{Config, Connection, Event};
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

const CONFIG: Config = Config {
    streams: 100,
    stream_window: 65_535,
    connection_window: 65_535,
    limits: HeadLimits {
        bytes: 65_536,
        target_bytes: 16_384,
        line_bytes: 16_384,
        fields: 128,
    },
};

/// The state of a stream: the request's head and body, and the number of bytes that were sent back.
#[derive(Default)]
struct Echo {
    text: Vec<u8>,
    has_ended: bool,
    sent: usize,
}

/// Respond to each request with its own head and body, as the windows allow.
async fn serve(mut stream: DuplexStream) {
    let (mut connection, mut waiting) = (Connection::<Echo>::new(CONFIG), Vec::new());
    let mut open: Vec<u32> = Vec::new();
    loop {
        loop {
            let (used, event) = connection.receive(&waiting, 1).unwrap();
            if used == 0 {
                break;
            }
            handle(&mut connection, &mut open, event, &waiting[..used]);
            waiting.drain(..used);
        }
        open.retain(|&id| !send_back(&mut connection, id));
        let output = std::mem::take(connection.output());
        if stream.write_all(&output).await.is_err()
            || connection.is_shut_down()
            || stream.read_buf(&mut waiting).await.unwrap_or(0) == 0
        {
            return;
        }
    }
}

fn handle(
    connection: &mut Connection<Echo>,
    open: &mut Vec<u32>,
    event: Option<Event>,
    frame: &[u8],
) {
    match event {
        Some(Event::Request { stream, has_ended }) => {
            assert_eq!(None, connection.request().refusal());
            let mut text = Vec::new();
            connection
                .request()
                .write(&mut text, std::net::IpAddr::from([192, 0, 2, 1]).into());
            let echo = connection.stream_state(stream).unwrap();
            (echo.text, echo.has_ended) = (text, has_ended);
            open.push(stream);
        }
        Some(Event::Data {
            stream,
            payload,
            has_ended,
        }) => {
            let bytes = u32::try_from(payload.len()).unwrap();
            let echo = connection.stream_state(stream).unwrap();
            echo.text.extend_from_slice(&frame[payload]);
            echo.has_ended = has_ended;
            connection.release(stream, bytes);
        }
        Some(Event::Ended { stream }) => connection.stream_state(stream).unwrap().has_ended = true,
        Some(Event::GoAway) => connection.refuse_streams(),
        _ => {}
    }
}

/// Send as much as the windows allow; return whether that was all.
fn send_back(connection: &mut Connection<Echo>, id: u32) -> bool {
    let Some(room) = connection.send_capacity(id) else {
        connection.close(id);
        return true;
    };
    let echo = connection.stream_state(id).unwrap();
    if !echo.has_ended || room == 0 {
        return false;
    }
    let (start, whole) = (echo.sent, echo.text.len());
    let end = whole.min(start + room);
    echo.sent = end;
    let piece = echo.text[start..end].to_vec();
    if start == 0 {
        connection.send_head(id, false, |fields| {
            fields.status(203);
            fields.field(b"X-Long", &vec![b'l'; 20_000]);
            fields.content_length(whole as u64);
        });
    }
    connection.send_data(id, &piece, end == whole);
    if end == whole {
        connection.close(id);
    }
    end == whole
}

async fn request(mut client: h2::client::SendRequest<Bytes>, number: usize) {
    client = client.ready().await.unwrap();
    let request = Request::post(format!("https://a.example/{number}"))
        .header("cookie", "a=b")
        .header("x-own", "value")
        .header("cookie", "c=d");
    let (response, mut body) = client
        .send_request(request.body(()).unwrap(), false)
        .unwrap();
    let sent = vec![b'0' + u8::try_from(number % 10).unwrap(); number * 3000];
    body.send_data(sent.clone().into(), number.is_multiple_of(2))
        .unwrap();
    if !number.is_multiple_of(2) {
        body.send_trailers(http::HeaderMap::new()).unwrap();
    }
    let response = response.await.unwrap();
    assert_eq!(203, response.status());
    assert_eq!(20_000, response.headers()["x-long"].len());
    let mut response = response.into_body();
    let mut received = Vec::new();
    while let Some(piece) = response.data().await {
        let piece = piece.unwrap();
        response
            .flow_control()
            .release_capacity(piece.len())
            .unwrap();
        received.extend_from_slice(&piece);
    }
    let head = format!(
        "POST /{number} HTTP/1.1\r\nHost: a.example\r\nx-own: value\r\nCookie: a=b; c=d\r\n\
         Transfer-Encoding: chunked\r\n"
    );
    assert!(received.starts_with(head.as_bytes()));
    assert!(received.ends_with(&sent));
}

/// Concurrent requests, longer than the windows, are received and sent back completely.
#[tokio::test]
async fn concurrent_requests_are_echoed() {
    let (server_end, client_end) = duplex(8192);
    let server = tokio::spawn(serve(server_end));
    let (client, connection) = h2::client::handshake(client_end).await.unwrap();
    let connection = tokio::spawn(connection);
    let requests: Vec<_> = (0..60)
        .map(|number| tokio::spawn(request(client.clone(), number)))
        .collect();
    for task in requests {
        task.await.unwrap();
    }
    drop(client);
    connection.await.unwrap().unwrap();
    server.await.unwrap();
}
