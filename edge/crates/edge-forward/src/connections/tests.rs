use std::net::{SocketAddr, TcpListener, TcpStream};

use edge_contract::{Hash, Server};
use edge_observe::Observatory;

use super::*;
use crate::loop_tick;

const ENOUGH: u64 = 9;

fn observer() -> Rc<WorkerObserver> {
    Rc::new(Observatory::new("boot", 1).1.remove(0))
}

/// A pool of these servers with a limit of so many connections.
fn runtime(servers: &[SocketAddr], permits: u64) -> Arc<PoolRuntime> {
    let server = |address: &SocketAddr| Server {
        host: address.ip().to_string(),
        port: address.port(),
    };
    let document = Pool {
        id: "a.test".to_owned(),
        servers: servers.iter().map(server).collect(),
        connect_timeout_ms: 60_000,
        response_timeout_ms: 1,
        idle_timeout_ms: 60_000,
        idle_per_worker: ENOUGH,
        connections_per_worker: permits,
    };
    Arc::new(PoolRuntime::new(Hash::of("pool"), document))
}

/// The same, for one worker.
fn pool(servers: &[SocketAddr], permits: u64) -> WorkerPool {
    WorkerPool::new(runtime(servers, permits), &observer())
}

fn listening() -> (TcpListener, SocketAddr) {
    let listening = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listening.local_addr().unwrap();
    (listening, address)
}

/// A new connection to a server, and the server's end of it.
pub(crate) async fn connected() -> (ServerConnection, TcpStream) {
    let (listening, address) = listening();
    let pool = pool(&[address], ENOUGH);
    let connection = pool.connect(Reuse::Never).await.unwrap();
    (connection, listening.accept().unwrap().0)
}

const FULL: Unreachable = Unreachable {
    server: None,
    reason: UpstreamFailure::PoolFull,
};

#[tokio::test]
async fn a_full_pool_opens_no_connection_and_no_circuit_breaker() {
    let (_server, address) = listening();
    let pool = pool(&[address], 1);
    let held = pool.connect(Reuse::Repeatable).await.unwrap();
    for reuse in [Reuse::Never, Reuse::Repeatable, Reuse::Unrepeatable] {
        assert_eq!(Some(FULL), pool.connect(reuse).await.err());
    }
    assert!(pool.servers[0].is_candidate(Candidates::Available));
    drop(held);
    assert!(pool.connect(Reuse::Never).await.is_ok());
}

#[tokio::test]
async fn an_idle_connection_keeps_its_permit() {
    let (_server, address) = listening();
    let pool = pool(&[address], 1);
    for is_reused in [false, true, true] {
        let connection = pool.connect(Reuse::Repeatable).await.unwrap();
        assert_eq!(is_reused, connection.is_reused);
        assert_eq!(Some(FULL), pool.connect(Reuse::Repeatable).await.err());
        connection.release();
    }
}

#[tokio::test]
async fn a_full_pool_returns_an_idle_connection_to_any_server() {
    let ((_one, first), (_other, second)) = (listening(), listening());
    let pool = pool(&[first, second], 1);
    pool.connect(Reuse::Repeatable).await.unwrap().release();
    for _ in 0..4 {
        let connection = pool.connect(Reuse::Repeatable).await.unwrap();
        assert_eq!((true, 0), (connection.is_reused, connection.server_index()));
        connection.release();
    }
}

#[tokio::test]
async fn a_new_connection_replaces_the_one_idle_for_longest() {
    let ((_one, first), (_other, second)) = (listening(), listening());
    let pool = pool(&[first, second], 2);
    pool.connect(Reuse::Never).await.unwrap().release();
    pool.connect(Reuse::Never).await.unwrap().release();
    let fresh = pool.connect(Reuse::Never).await.unwrap();
    assert!(!fresh.is_reused);
    assert!(pool.servers[0].idle_since().is_none());
    assert!(pool.servers[1].idle_since().is_some());
}

#[tokio::test]
async fn connections_that_were_needed_stay_open_and_are_closed_slowly() {
    let (_server, address) = listening();
    let pool = pool(&[address], 99);
    let mut busy = Vec::new();
    for _ in 0..=3 * ENOUGH {
        busy.push(pool.connect(Reuse::Never).await.unwrap());
    }
    busy.into_iter().for_each(ServerConnection::release);
    let mut open = Vec::new();
    for _ in 0..30 {
        pool.sweep();
        open.push(pool.limit.in_use());
    }
    assert_eq!([28, 24, 21], open[..3]);
    assert_eq!(Some(&ENOUGH), open.last(), "idle_per_worker stay open");
}

#[tokio::test]
async fn a_failed_connect_releases_its_permit() {
    let (server, address) = listening();
    drop(server);
    let pool = pool(&[address], 1);
    for _ in 0..3 {
        let failure = pool.connect(Reuse::Never).await.err().unwrap();
        assert_eq!(UpstreamFailure::ConnectRefused, failure.reason);
        assert_eq!(0, pool.limit.in_use());
    }
}

#[tokio::test]
async fn a_cancelled_connect_releases_its_permit() {
    let (_server, address) = listening();
    let pool = pool(&[address], 1);
    let mut connecting = Box::pin(pool.connect(Reuse::Never));
    tokio::select! {
        biased;
        _ = &mut connecting => panic!("it takes a tick of the event loop"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(1, pool.limit.in_use());
    drop(connecting);
    assert_eq!(0, pool.limit.in_use());
}

#[tokio::test]
async fn a_pool_with_an_open_connection_is_not_removed() {
    let (_server, address) = listening();
    let pool = pool(&[address], 1);
    let tunnel = pool.connect(Reuse::Never).await.unwrap();
    for _ in 0..=MAX_UNUSED_SWEEPS {
        assert!(pool.sweep());
    }
    drop(tunnel);
    assert!(!pool.sweep());
}

#[tokio::test]
async fn connections_of_earlier_ticks_are_taken_first() {
    let (_server, address) = listening();
    let pool = pool(&[address], ENOUGH);
    let early = pool.connect(Reuse::Never).await.unwrap();
    let late = pool.connect(Reuse::Never).await.unwrap();
    early.release();
    loop_tick::begin();
    late.release();
    let idle_since = pool.servers[0].idle_since();
    drop(pool.take_idle(Reuse::Repeatable).unwrap());
    assert!(idle_since < pool.servers[0].idle_since());
}

/// Two workers share a pool, and the first has an idle connection.
#[tokio::test]
async fn workers_share_the_state_of_a_server() {
    let (server, address) = listening();
    let runtime = runtime(&[address], ENOUGH);
    let [one, other] = [(); 2].map(|()| WorkerPool::new(Arc::clone(&runtime), &observer()));
    one.connect(Reuse::Never).await.unwrap().release();
    let _peer = server.accept().unwrap();
    drop(server);
    assert!(other.connect(Reuse::Never).await.is_err());
    assert!(!one.servers[0].is_candidate(Candidates::Available));
    assert!(one.servers[0].take_idle(false).is_none());
    assert_eq!(0, one.limit.in_use());

    let _again = TcpListener::bind(address).unwrap();
    one.connect(Reuse::Never).await.unwrap().release();
    assert!(other.servers[0].is_candidate(Candidates::Available));
    assert!(one.take_idle(Reuse::Repeatable).is_some());
}
