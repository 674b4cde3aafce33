"""The edge's life: what it takes over, what it keeps for the next start, and how it ends."""

import contextlib
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from edge_harness import RunningEdge, Scene, SiteWish, edge_program, running_edge
from port443.core.acme.challenges import HttpAnswer
from port443.core.contract.snapshot import Listener, hash_of, plain
from seam_client import EdgeRefused, RawClient
from tls_certs import Issued, Wish, ec_key, issue, rsa_key
from tls_client import read_response
from waiting import HANG_S, wait_until
from wrapping import wrapped

pytestmark = [pytest.mark.machine, pytest.mark.slow]
ENDING_S = HANG_S


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    """Run an edge that the test may end."""
    with running_edge() as edge:
        yield edge


def certificate(name: str) -> Issued:
    return issue(Wish(names=(name,)), ec_key())


def site(name: str) -> SiteWish:
    return SiteWish((name,), (certificate(name),))


def broken(wish: SiteWish) -> SiteWish:
    """Return the site with a certificate whose key is another's."""
    good = wish.certificates[0]
    return replace(wish, certificates=(Issued(good.certificate, rsa_key(), good.above),))


def served(listener: Listener, name: str) -> bytes:
    """Return the leaf that a client of that name is shown."""
    host, _, port = listener.address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, int(port)), timeout=HANG_S) as connected,
        wrapped(context, connected, server_hostname=name) as tls,
    ):
        return tls.getpeercert(binary_form=True) or b""


def restart(edge: RunningEdge, *options: str) -> None:
    """Start the program again in the same place, and wait until it answers."""
    edge.process.wait(ENDING_S)
    with (edge.runtime / "edge.log").open("ab") as log:
        edge.process = subprocess.Popen(
            [edge_program(), "--runtime", edge.runtime, "--workers", str(edge.workers), *options],
            stdin=subprocess.DEVNULL,
            stderr=log,
        )

    def answers() -> bool:
        with contextlib.suppress(OSError), RawClient(edge.socket_path) as client:
            return bool(client.ask("identify")["pid"] == edge.process.pid)
        return False

    wait_until(answers)


def lend_again(edge: RunningEdge, listener: Listener) -> None:
    """Hand the sockets that the test holds to a new program."""
    names = [{"listener": listener.id, "worker": worker} for worker in range(edge.workers)]
    edge.request("sockets", [bound.fileno() for bound in edge.held], sockets=names)


def test_a_broken_site_is_quarantined_and_the_others_go_on(edge: RunningEdge) -> None:
    """A certificate that does not fit its key takes one site away, by name and place, and no other."""
    good, bad = site("a.test"), broken(site("b.test"))
    listener = edge.listen()
    receipt = edge.apply(Scene(sites=(good, bad), listeners=(listener,)))
    assert receipt["sites"]["a.test"] == {"state": "running"}
    verdict = receipt["sites"]["b.test"]
    expected = {"state": "quarantined", "code": "key_mismatch", "serves": None}
    assert expected.items() <= verdict.items()
    assert verdict["path"].startswith("certificates[0]")
    assert receipt["listeners"] == {listener.id: "listening"}
    assert served(listener, "a.test") == good.certificates[0].der
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        served(listener, "b.test")
    told = edge.wait_event("site_quarantined", site="b.test")
    assert told["code"] == "key_mismatch"


def test_a_quarantined_site_keeps_its_last_good_version_through_a_crash(edge: RunningEdge) -> None:
    """What was served before a site broke is served on, also by the next program."""
    listener = edge.listen()
    first = Scene(sites=(site("a.test"), site("b.test")), listeners=(listener,))
    edge.apply(first)
    good = first.documents()[0].sites["b.test"]
    second = replace(first, sites=(site("a.test"), broken(site("b.test"))))
    assert edge.apply(second)["sites"]["b.test"]["serves"] == good
    shown = first.sites[1].certificates[0].der
    assert served(listener, "b.test") == shown
    edge.process.kill()
    restart(edge)
    lend_again(edge, listener)
    assert served(listener, "a.test") == second.sites[0].certificates[0].der
    assert served(listener, "b.test") == shown


def test_a_killed_edge_comes_back_with_what_it_ran(edge: RunningEdge) -> None:
    """After a crash the next program runs the same snapshot under the same lease at once."""
    scene = Scene(sites=(site("a.test"),), listeners=(edge.listen(),))
    edge.epoch = 5
    edge.apply(scene)
    before = edge.request("identify")
    edge.process.kill()
    restart(edge)
    after = edge.request("identify")
    assert (after["running"], after["epoch"]) == (before["running"], 5)
    assert after["boot"] != before["boot"]
    assert after["listeners"] == []
    lend_again(edge, scene.listeners[0])
    assert served(scene.listeners[0], "a.test") == scene.sites[0].certificates[0].der
    # Every part came along: the snapshot can be planned on without another put.
    root, _ = scene.documents()
    receipt = edge.request("apply", root=plain(root), epoch=5, base=hash_of(root))["receipt"]
    assert receipt["missing"] == []


def test_challenges_are_answered_after_a_restart(edge: RunningEdge) -> None:
    """They are part of the boot copy, also while a site is in quarantine."""
    token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"  # noqa: S105 - no secret: the CA's own
    told = HttpAnswer(token, f"{token}.{'p' * 43}")
    listener = edge.listen("redirect")
    good = site("a.test")
    edge.apply(Scene((good,), (listener,)))
    receipt = edge.apply(Scene((broken(good),), (listener,), answers=(told,)))
    assert receipt["sites"]["a.test"]["serves"]
    edge.process.kill()
    restart(edge)
    lend_again(edge, listener)
    host, _, port = listener.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=HANG_S) as client:
        path = f"/.well-known/acme-challenge/{token}"
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
        assert read_response(client).endswith(told.key_authorisation.encode())


def test_an_edge_that_binds_needs_nobody(edge: RunningEdge) -> None:
    """With --bind the boot copy is served without a control plane."""
    scene = Scene(sites=(site("a.test"),), listeners=(edge.listen(), edge.listen("redirect")))
    edge.apply(scene)
    edge.process.kill()
    for bound in edge.held:
        bound.close()
    restart(edge, "--bind")
    assert served(scene.listeners[0], "a.test") == scene.sites[0].certificates[0].der
    held = {entry["id"]: entry["workers"] for entry in edge.request("identify")["listeners"]}
    assert held == {listener.id: [0, 1] for listener in scene.listeners}


def test_a_damaged_boot_copy_is_not_run(edge: RunningEdge) -> None:
    """A copy that lost a part is said to be unusable, and the edge waits for the control plane."""
    edge.apply(Scene(sites=(site("a.test"),)))
    edge.process.kill()
    parts = [path for path in (edge.runtime / "boot").iterdir() if len(path.stem) == 64]
    parts[0].write_text("{}")
    restart(edge)
    assert edge.request("identify")["running"] is None
    assert "boot_copy_unusable" in (edge.runtime / "edge.log").read_text()
    edge.running = None
    edge.apply(Scene(sites=(site("a.test"),)))


def test_a_snapshot_that_would_not_survive_a_crash_is_refused(edge: RunningEdge) -> None:
    """When the boot copy cannot be written, the edge says so and goes on with what it runs."""
    edge.apply(Scene(sites=(site("a.test"),)))
    shutil.rmtree(edge.runtime / "boot")
    (edge.runtime / "boot").touch()
    with pytest.raises(EdgeRefused, match="P443-E361 internal: the boot copy"):
        edge.apply(Scene(sites=(site("b.test"),)))
    assert edge.request("identify")["running"] == edge.running
    (edge.runtime / "boot").unlink()


def test_what_lies_in_the_runtime_directory_is_private(edge: RunningEdge) -> None:
    """Nobody but the user can reach the socket or read the boot copy."""
    edge.apply(Scene(sites=(site("a.test"),)))
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in edge.runtime.rglob("*")}
    ours = {path: mode for path, mode in modes.items() if path.name != "edge.log"}
    assert {mode for path, mode in ours.items() if not path.is_dir()} == {0o600}
    assert ours[edge.runtime / "boot"] == 0o700
    statfs = subprocess.run(
        ["stat", "-f", "-c", "%T", edge.runtime], capture_output=True, text=True, check=True
    )
    in_memory = statfs.stdout.strip() in {"tmpfs", "ramfs"}
    assert edge.request("identify")["boot_copy_in_memory"] is in_memory


def test_a_second_edge_is_refused(edge: RunningEdge) -> None:
    """Two programs in one place would take each other's socket away: the second says so and ends."""
    second = subprocess.run(
        [edge_program(), "--runtime", edge.runtime],
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "another port443-edge is running" in second.stderr
    assert edge.request("identify")["pid"] == edge.process.pid


def test_the_program_says_its_version() -> None:
    """The control plane tells by this line whether it found the edge of its own version."""
    said = subprocess.run([edge_program(), "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == "port443-edge 0.1.0\n"


def test_a_lost_receipt_can_be_asked_for_again(edge: RunningEdge) -> None:
    """Applying what runs already is fine, whatever the client believes."""
    root, parts = Scene(sites=(site("a.test"),)).documents()
    edge.request("put", parts=[plain(part) for part in parts])
    first = edge.request("apply", root=plain(root), epoch=3, base=None)
    assert first["receipt"]["sites"] == {"a.test": {"state": "running"}}
    assert edge.request("apply", root=plain(root), epoch=3, base=None) == first


def test_sockets_may_come_before_their_listener(edge: RunningEdge) -> None:
    """A socket waits for the snapshot that names its listener, and accepts from then on."""
    listener = edge.listen()
    assert edge.apply(Scene(sites=(site("a.test"),)))["listeners"] == {}
    assert edge.request("identify")["listeners"] == []
    lend_again(edge, listener)
    receipt = edge.apply(Scene(sites=(site("a.test"),), listeners=(listener,)))
    assert receipt["listeners"] == {listener.id: "listening"}
    assert served(listener, "a.test")


def test_a_listener_without_sockets_waits_for_them(edge: RunningEdge) -> None:
    """The receipt says which listeners nobody can reach yet."""
    address = "127.0.0.1:9"
    listener = Listener(f"https:{address}", "https", address, 9)
    receipt = edge.apply(Scene(sites=(site("a.test"),), listeners=(listener,)))
    assert receipt["listeners"] == {listener.id: "waiting_for_sockets"}


def test_a_socket_is_closed_when_its_listener_leaves(edge: RunningEdge) -> None:
    """A port is open as long as a snapshot names it, and no longer."""
    listener = edge.listen()
    edge.apply(Scene(sites=(site("a.test"),), listeners=(listener,)))
    for bound in edge.held:
        bound.close()
    assert served(listener, "a.test")
    edge.apply(Scene(sites=(site("a.test"),)))
    edge.wait_event("listener_closed", listener=listener.id)

    def is_refused() -> bool:
        try:
            served(listener, "a.test")
        except ConnectionRefusedError:
            return True
        except (OSError, ssl.SSLError):
            return False
        return False

    wait_until(is_refused)


def test_all_sockets_can_be_taken_back(edge: RunningEdge) -> None:
    """Whoever asks gets every listening socket, in frames of as many as a message can carry."""
    listener = edge.listen()
    names = [{"listener": listener.id, "worker": 1}] * 150
    for _ in range(2):
        edge.request("sockets", [edge.held[1].fileno()] * 150, sockets=names)
    taken: list[dict[str, object]] = []
    port = edge.held[0].getsockname()[1]
    more = True
    with RawClient(edge.socket_path) as client:
        while more:
            client.send(_take(len(taken)))
            answer, descriptors = client.answer_with_descriptors(253)
            assert len(descriptors) == len(answer["sockets"]) <= 253
            for descriptor in descriptors:
                with socket.socket(fileno=descriptor) as handle:
                    assert handle.getsockname()[1] == port
            taken += answer["sockets"]
            more = answer["more"]
    assert taken == [{"listener": listener.id, "worker": worker} for worker in (0, 1)] + names * 2


def _take(after: int) -> bytes:
    body = b'{"verb":"take_sockets","after":%d}' % after
    return len(body).to_bytes(4) + body


def test_events_are_numbered_within_a_boot(edge: RunningEdge) -> None:
    """A stream begins after the number that the client knows, and goes on as things happen."""
    boot = edge.request("identify")["boot"]
    edge.apply(Scene(sites=(site("a.test"),)))
    with contextlib.closing(edge.events()) as events:
        assert events.begin == {"verb": "events", "boot": boot, "oldest": 1}
        told = [events.find("edge_started"), events.find("snapshot_applied", root=edge.running)]
        assert [event["number"] for event in told] == [1, 2]
        assert {event["boot"] for event in told} == {boot}
        edge.apply(Scene(sites=(site("b.test"),)))
        assert events.find("snapshot_applied")["number"] == 3
    with contextlib.closing(edge.events(since=2)) as events:
        assert next(iter(events))["number"] == 3


def test_sigterm_drains(edge: RunningEdge) -> None:
    """SIGTERM closes the ports, lets what is open end, and then ends the program with 0."""
    listener = edge.listen()
    edge.apply(Scene(sites=(site("a.test"),), listeners=(listener,)))
    assert served(listener, "a.test")
    with contextlib.closing(edge.events()) as events:
        edge.process.send_signal(signal.SIGTERM)
        events.find("listener_closed", listener=listener.id)
        events.find("drain_started")
        events.find("drain_ended")
    assert edge.process.wait(ENDING_S) == 0
    assert not edge.socket_path.exists()


def test_a_second_sigterm_ends_at_once(edge: RunningEdge) -> None:
    """Whoever insists does not wait for idle clients; nothing new is taken meanwhile."""
    listener = edge.listen()
    scene = Scene(sites=(site("a.test"),), listeners=(listener,))
    edge.apply(scene.with_limits(drain_timeout_ms=600_000, hello_timeout_ms=600_000))
    host, _, port = listener.address.rpartition(":")
    with socket.create_connection((host, int(port))):
        wait_until(lambda: edge.stats()["connections"]["open"] == 1)
        edge.process.send_signal(signal.SIGTERM)
        edge.wait_event("drain_started")
        with RawClient(edge.socket_path) as client:
            root = plain(scene.documents()[0])
            assert client.refusal("apply", root=root, epoch=9, base=edge.running) == "draining"
        edge.process.send_signal(signal.SIGTERM)
        assert edge.process.wait(ENDING_S) == 0


def test_drain_answers_at_once_and_ends_in_time(edge: RunningEdge) -> None:
    """The verb says how many connections are open; those that do not end by themselves are ended."""
    listener = edge.listen()
    scene = Scene(sites=(site("a.test"),), listeners=(listener,))
    edge.apply(scene.with_limits(hello_timeout_ms=600_000))
    host, _, port = listener.address.rpartition(":")
    with socket.create_connection((host, int(port))):
        wait_until(lambda: edge.stats()["connections"]["open"] == 1)
        assert edge.request("drain", timeout_ms=300) == {"verb": "drain", "connections": 1}
        assert edge.process.wait(ENDING_S) == 0


def test_stop_answers_and_ends(edge: RunningEdge) -> None:
    """The last answer arrives before the program ends."""
    assert edge.request("stop") == {"verb": "stop"}
    assert edge.process.wait(ENDING_S) == 0


def test_hangup_is_ignored(edge: RunningEdge) -> None:
    """A terminal that closes does not take port 443 with it."""
    os.kill(edge.process.pid, signal.SIGHUP)
    assert edge.request("identify")["pid"] == edge.process.pid
    assert edge.process.poll() is None
