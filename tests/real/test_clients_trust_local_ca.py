"""Clients of every make believe the local CA's constrained root, and what it signed for a served site."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from port443.wiring import public_file
from serving import Serving

pytestmark = pytest.mark.slow
PAGE = "It works"
TRUSTED = "The certificate is trusted."
CLIENT_S = 90
NODE = """
const [url, ca] = process.argv.slice(1);
require('https').get(url, {ca: require('fs').readFileSync(ca)}, (answer) => answer.pipe(process.stdout));
"""
GO = """package main

import ("crypto/tls"; "crypto/x509"; "io"; "net"; "net/http"; "os")

func main() {
	pem, err := os.ReadFile(os.Args[2])
	if err != nil { panic(err) }
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	dial := func(network, address string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(address)
		return net.Dial(network, "127.0.0.1:"+port)
	}
	transport := &http.Transport{Dial: dial, TLSClientConfig: &tls.Config{RootCAs: roots}}
	client := http.Client{Transport: transport}
	answer, err := client.Get(os.Args[1])
	if err != nil { panic(err) }
	io.Copy(os.Stdout, answer.Body)
}
"""
JAVA = """
import java.net.*; import java.net.http.*; import java.security.*; import java.security.cert.*;
import javax.net.ssl.*; import java.io.*;
public class Visit {
  public static void main(String[] a) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream pem = new FileInputStream(a[1])) {
      store.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(pem));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    HttpClient client = HttpClient.newBuilder().sslContext(context).build();
    HttpRequest request = HttpRequest.newBuilder(URI.create(a[0])).build();
    System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
  }
}
"""

Visit = Callable[[str, Path, Path], list[str]]


def chromium(url: str, root: Path, home: Path) -> list[str]:
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for words in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "port443", "-i", str(root)]):
        subprocess.run(["certutil", "-d", f"sql:{database}", *words], check=True, timeout=CLIENT_S)
    switches = ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
                "disable-background-networking", "disable-component-update", "dump-dom")  # fmt: skip
    return ["chromium", *(f"--{switch}" for switch in switches), f"--user-data-dir={home / 'profile'}", url]


def curl(url: str, root: Path, _home: Path) -> list[str]:
    return ["curl", "--silent", "--show-error", "--cacert", str(root), url]


def gnutls(url: str, root: Path, _home: Path) -> list[str]:
    host, port = url.removeprefix("https://").removesuffix("/").split(":")
    return ["gnutls-cli", f"--x509cafile={root}", f"--sni-hostname={host}", f"--verify-hostname={host}",
            f"--port={port}", "127.0.0.1"]  # fmt: skip


def go(url: str, root: Path, home: Path) -> list[str]:
    (home / "visit.go").write_text(GO)
    return ["go", "run", str(home / "visit.go"), url, str(root)]


def java(url: str, root: Path, home: Path) -> list[str]:
    (home / "Visit.java").write_text(JAVA)
    # Java asks the system's resolver, which need not know .localhost.
    return ["java", str(home / "Visit.java"), url.replace("app.localhost", "localhost"), str(root)]


def node(url: str, root: Path, _home: Path) -> list[str]:
    return ["node", "-e", NODE, url.replace("app.localhost", "localhost"), str(root)]


@pytest.mark.parametrize(
    "client", [chromium, curl, gnutls, go, java, node], ids=lambda client: client.__name__
)
def test_client_believes_what_is_served(client: Visit, serving: Serving, tmp_path: Path) -> None:
    """With the root trusted, the client gets the page without any check switched off."""
    program = "gnutls-cli" if client is gnutls else client.__name__
    for needed in [program, *(["certutil"] if client is chromium else [])]:
        if not shutil.which(needed):
            pytest.skip(f"{needed} is not installed")
    serving.write({"app.localhost": {"to": serving.backend_url, "aliases": ["localhost", "127.0.0.1"]}})
    serving.started()
    url, root = f"https://app.localhost:{serving.https_port}/", public_file(serving.state, "local-ca.pem")
    # Go keeps its build cache where it always is; everything else lives in a home of its own.
    caches = {
        "GOCACHE": os.environ.get("GOCACHE", str(Path.home() / ".cache" / "go-build")),
        "GOFLAGS": "-mod=mod",
    }
    command = client(url, root, tmp_path)
    visited = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CLIENT_S, check=False,
        env={**os.environ, **caches, "HOME": str(tmp_path)},
    )  # fmt: skip
    # gnutls-cli leaves when its input ends, before there is a page; what it says of the chain is enough.
    wanted = TRUSTED if client is gnutls else PAGE
    assert wanted in visited.stdout, visited.stdout[-500:] + visited.stderr[-1500:]
