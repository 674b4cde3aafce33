use std::net::{SocketAddr, TcpListener};

use arc_swap::ArcSwap;
use edge_contract::Server;
use edge_observe::Observatory;
use tokio::sync::watch;

use super::*;
use crate::running::Running;

const ENOUGH: u64 = 9;

/// A worker that runs nothing yet.
pub(crate) fn worker() -> Rc<WorkerContext> {
    Rc::new(WorkerContext {
        running: Arc::new(ArcSwap::from_pointee(Running::default())),
        observer: Observatory::new("boot", 1).1.remove(0),
        pools: Pools::new(),
        draining: watch::channel(false).1,
    })
}

/// A pool of these servers with so many places.
pub(crate) fn pool(servers: &[SocketAddr], places: u64) -> Rc<UpstreamPool> {
    let server = |address: &SocketAddr| Server {
        host: address.ip().to_string(),
        port: address.port(),
    };
    Rc::new(UpstreamPool::new(Arc::new(Pool {
        id: "a.test".to_owned(),
        servers: servers.iter().map(server).collect(),
        connect_timeout_ms: 60_000,
        response_timeout_ms: 1,
        idle_timeout_ms: 60_000,
        idle_per_worker: ENOUGH,
        connections_per_worker: places,
    })))
}

fn listening() -> (TcpListener, SocketAddr) {
    let listening = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listening.local_addr().unwrap();
    (listening, address)
}

async fn connect(pool: &Rc<UpstreamPool>, reuse: Reuse) -> Result<ServerConnection, Unreachable> {
    pool.connect(&worker(), reuse).await
}

const FULL: Unreachable = Unreachable {
    server: None,
    reason: UpstreamFailure::PoolFull,
};

#[tokio::test]
async fn a_full_pool_opens_nothing_and_blames_nobody() {
    let (_server, address) = listening();
    let pool = pool(&[address], 1);
    let held = connect(&pool, Reuse::Repeatable).await.unwrap();
    for reuse in [Reuse::Never, Reuse::Repeatable, Reuse::Unrepeatable] {
        assert_eq!(Some(FULL), connect(&pool, reuse).await.err());
    }
    assert!(pool.server(0).is_worth_a_try(Trust::Sound));
    drop(held);
    assert!(connect(&pool, Reuse::Never).await.is_ok());
}

#[tokio::test]
async fn a_warm_connection_keeps_its_place_for_who_takes_it() {
    let (_server, address) = listening();
    let pool = pool(&[address], 1);
    for is_reused in [false, true, true] {
        let connection = connect(&pool, Reuse::Repeatable).await.unwrap();
        assert_eq!(is_reused, connection.is_reused);
        assert_eq!(Some(FULL), connect(&pool, Reuse::Repeatable).await.err());
        connection.keep();
    }
}

#[tokio::test]
async fn a_full_pool_gives_what_is_warm_whosever_turn_it_is() {
    let ((_one, first), (_other, second)) = (listening(), listening());
    let pool = pool(&[first, second], 1);
    connect(&pool, Reuse::Repeatable).await.unwrap().keep();
    for _ in 0..4 {
        let connection = connect(&pool, Reuse::Repeatable).await.unwrap();
        assert_eq!((true, 0), (connection.is_reused, connection.server_index()));
        connection.keep();
    }
}

#[tokio::test]
async fn who_must_have_a_new_connection_gets_the_place_of_the_longest_idle() {
    let ((_one, first), (_other, second)) = (listening(), listening());
    let pool = pool(&[first, second], 2);
    connect(&pool, Reuse::Never).await.unwrap().keep();
    connect(&pool, Reuse::Never).await.unwrap().keep();
    let fresh = connect(&pool, Reuse::Never).await.unwrap();
    assert!(!fresh.is_reused);
    assert!(pool.server(0).idle_since().is_none());
    assert!(pool.server(1).idle_since().is_some());
}

#[tokio::test]
async fn what_was_needed_at_once_stays_warm_and_is_let_go_slowly() {
    let (_server, address) = listening();
    let pool = pool(&[address], 99);
    let mut busy = Vec::new();
    for _ in 0..=3 * ENOUGH {
        busy.push(connect(&pool, Reuse::Never).await.unwrap());
    }
    busy.into_iter().for_each(ServerConnection::keep);
    let mut left = Vec::new();
    for _ in 0..30 {
        pool.sweep();
        left.push(pool.places.taken());
    }
    assert_eq!([28, 24, 21], left[..3]);
    assert_eq!(Some(&ENOUGH), left.last(), "so many stay in any case");
}

#[tokio::test]
async fn a_failed_opening_gives_its_place_back() {
    let (server, address) = listening();
    drop(server);
    let pool = pool(&[address], 1);
    for _ in 0..3 {
        let failure = connect(&pool, Reuse::Never).await.err().unwrap();
        assert_eq!(UpstreamFailure::ConnectRefused, failure.reason);
        assert!(pool.places.are_free());
    }
}

#[tokio::test]
async fn an_opening_that_nobody_waits_for_gives_its_place_back() {
    let (_server, address) = listening();
    let pool = pool(&[address], 1);
    let worker = worker();
    let mut opening = Box::pin(pool.connect(&worker, Reuse::Never));
    tokio::select! {
        biased;
        _ = &mut opening => panic!("it takes a turn of the event loop"),
        () = std::future::ready(()) => {}
    }
    assert!(!pool.places.are_free());
    drop(opening);
    assert!(pool.places.are_free());
}

#[tokio::test]
async fn a_pool_is_remembered_for_as_long_as_it_holds_a_connection() {
    let (_server, address) = listening();
    let pool = pool(&[address], 1);
    let tunnel = connect(&pool, Reuse::Never).await.unwrap();
    for _ in 0..=FORGOTTEN_AFTER {
        assert!(pool.sweep());
    }
    drop(tunnel);
    assert!(!pool.sweep());
}
