use std::io::Write as _;
use std::net::{TcpListener, TcpStream as Peer};

use tokio::io::AsyncReadExt as _;

use super::*;
use crate::pool::tests::pool;

/// A pool of one server, and a connection to it with the server's end.
pub(crate) async fn connected() -> (Rc<UpstreamPool>, ServerConnection, Peer) {
    let listening = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listening.local_addr().unwrap();
    let pool = pool(&[address], 9);
    let connection = ServerConnection {
        stream: TcpStream::connect(address).await.unwrap(),
        is_reused: false,
        pool: Rc::clone(&pool),
        server: 0,
        open: OpenConnection {
            worker: Weak::new(),
            _place: pool.take_place().unwrap(),
            _demand: pool.server(0).count_open(),
        },
        is_short: false,
    };
    (pool, connection, listening.accept().unwrap().0)
}

/// Let the server say something, and read it in one piece that does not fill its room.
async fn read_answer(connection: &mut ServerConnection, peer: &mut Peer) {
    peer.write_all(b"first").unwrap();
    assert_eq!(5, connection.stream.read(&mut [0; 64]).await.unwrap());
}

#[tokio::test]
async fn what_comes_behind_an_answer_is_seen_in_the_same_turn() {
    let (pool, mut connection, mut peer) = connected().await;
    read_answer(&mut connection, &mut peer).await;
    connection.keep();
    peer.write_all(b"second").unwrap();
    assert!(
        is_silent(&pool.server(0).idle.borrow()[0].stream),
        "the event loop has heard of it already"
    );
    assert!(pool.server(0).take_warm(&pool, 0, false).is_none());
}

#[tokio::test]
async fn a_connection_is_taken_again_in_the_same_turn() {
    let (pool, mut connection, mut peer) = connected().await;
    read_answer(&mut connection, &mut peer).await;
    connection.keep();
    assert!(pool.server(0).take_warm(&pool, 0, false).is_some());
}

#[tokio::test]
async fn those_of_earlier_turns_are_taken_first() {
    let (pool, early, _early_peer) = connected().await;
    let port = |connection: &ServerConnection| connection.stream.local_addr().unwrap().port();
    let (_, mut late, _late_peer) = connected().await;
    let early_port = port(&early);
    early.keep();
    loop_tick::begin();
    late.pool = Rc::clone(&pool);
    late.keep();
    let taken = pool.server(0).take_warm(&pool, 0, false);
    assert_eq!(Some(early_port), taken.as_ref().map(port));
}
