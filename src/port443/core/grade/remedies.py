"""The remedies of findings, by server: one table that every rule refers to."""

from dataclasses import asdict, dataclass, replace
from enum import IntEnum

SERVERS = ("port443", "nginx", "Apache", "HAProxy", "Caddy")
"""In the order in which pages and reports list them."""
YEAR, YEAR_AND_BELOW = "31536000", "31536000; includeSubDomains"


class Effort(IntEnum):
    """The effort of a remedy for the operator; the least first."""

    SETTING = 1
    """A line of the settings, and a reload."""
    UPDATE = 2
    """A newer build of the server or of its TLS library."""
    CERTIFICATE = 3
    """A certificate or a key that another party has to sign or to provide."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One remedy, and how to apply it to each server."""

    what: str
    """Continues "To do:", without a full stop."""
    effort: Effort
    port443: str
    nginx: str
    apache: str
    haproxy: str
    caddy: str

    @property
    def fixes(self) -> dict[str, str]:
        """The instructions, by the server's name."""
        texts = asdict(self)
        return {server: texts[server.lower()] for server in SERVERS}


MODERN_VERSIONS = Remedy(
    "offer TLS 1.2 and 1.3 only",
    Effort.SETTING,
    port443="Nothing to do: it speaks TLS 1.2 and 1.3 only.",
    nginx="ssl_protocols TLSv1.2 TLSv1.3;",
    apache="SSLProtocol -all +TLSv1.2 +TLSv1.3",
    haproxy="ssl-default-bind-options ssl-min-ver TLSv1.2",
    caddy="tls { protocols tls1.2 tls1.3 }, which is the default.",
)
TLS_1_3 = replace(
    MODERN_VERSIONS,
    what="offer TLS 1.3",
    effort=Effort.UPDATE,
    port443="tls: intermediate  or  tls: modern  both have it.",
    nginx=f"{MODERN_VERSIONS.nginx}  with OpenSSL 1.1.1 or newer.",
    haproxy=f"{MODERN_VERSIONS.haproxy}  and no ssl-max-ver.",
)
MODERN_SUITES = Remedy(
    "offer suites with forward secrecy and AEAD only",
    Effort.SETTING,
    port443="Nothing to do: only forward-secret AEAD suites are ever offered.",
    nginx="ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;",
    apache="SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20",
    haproxy="ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20",
    caddy="Remove the `ciphers` line; the default has none of these.",
)
STRONG_PRIMES = replace(
    MODERN_SUITES,
    what="take ECDHE in the place of DHE, or a group of 2048 bits",
    nginx=f"Remove ssl_dhparam and take ECDHE suites only: {MODERN_SUITES.nginx}",
    haproxy=f"tune.ssl.default-dh-param 2048, or ECDHE suites only: {MODERN_SUITES.haproxy}",
)
NO_COMPRESSION = Remedy(
    "switch TLS compression off",
    Effort.UPDATE,
    port443="Nothing to do: it never compresses TLS.",
    nginx="Build against OpenSSL 1.1.0 or newer, where it is off.",
    apache="SSLCompression off",
    haproxy="Build it against OpenSSL 1.1.0 or newer; there it is off.",
    caddy="Nothing to do: Go has no TLS compression.",
)
SECURE_RENEGOTIATION = Remedy(
    "answer renegotiation_info (RFC 5746)",
    Effort.UPDATE,
    port443="Nothing to do: rustls never renegotiates.",
    nginx="Update OpenSSL to 1.0 or newer.",
    apache="SSLInsecureRenegotiation off, and OpenSSL 1.0 or newer.",
    haproxy="Build it against OpenSSL 1.0 or newer.",
    caddy="Nothing to do: Go renegotiates with no client.",
)
HYBRID_GROUPS = Remedy(
    "offer X25519MLKEM768",
    Effort.UPDATE,
    port443="Nothing to do: X25519MLKEM768 is offered first.",
    nginx="ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1;  with OpenSSL 3.5 or newer.",
    apache="SSLOpenSSLConfCmd Groups X25519MLKEM768:X25519:P-256  with OpenSSL 3.5 or newer.",
    haproxy="ssl-default-bind-curves X25519MLKEM768:X25519:P-256  with OpenSSL 3.5 or AWS-LC.",
    caddy="Caddy 2.10 or newer offers it by itself.",
)
STRONG_GROUPS = Remedy(
    "offer groups of 224 bits and more only",
    Effort.SETTING,
    port443="Nothing to do: no such group is offered.",
    nginx="ssl_ecdh_curve X25519:prime256v1:secp384r1;",
    apache="SSLOpenSSLConfCmd Groups X25519:P-256:P-384",
    haproxy="ssl-default-bind-curves X25519:P-256:P-384",
    caddy="tls { curves x25519 secp256r1 secp384r1 }",
)
MATCHING_KEY = Remedy(
    "let the certificate and the key belong together",
    Effort.SETTING,
    port443="port443 status  names the certificate and the site; a mismatch is an event.",
    nginx="Let ssl_certificate and ssl_certificate_key belong together, then reload.",
    apache="Let SSLCertificateFile and SSLCertificateKeyFile belong together.",
    haproxy="Let certificate and key in the `crt` file belong together.",
    caddy="Let both files of the `tls` line belong together.",
)
COMMON_CHOICES = Remedy(
    "offer what browsers and libraries have",
    Effort.SETTING,
    port443="Nothing to do: suites and groups are those that every client has. A certificate of your own "
    "should have a P-256 or RSA key.",
    nginx="Remove ssl_ciphers, ssl_ecdh_curve and ssl_conf_command; the defaults fit all clients.",
    apache="Remove SSLCipherSuite and SSLOpenSSLConfCmd; take a P-256 or RSA key.",
    haproxy="Remove ssl-default-bind-ciphersuites, -curves and -sigalgs; take a P-256 or RSA key.",
    caddy="Remove `ciphers`, `curves` and `key_type` of the `tls` block.",
)
SHA_2_HANDSHAKES = Remedy(
    "sign handshakes with SHA-256 or better",
    Effort.UPDATE,
    port443="Nothing to do: no SHA-1 signature is ever made.",
    nginx="Remove SignatureAlgorithms from ssl_conf_command, and renew the OpenSSL below it.",
    apache="Remove SSLOpenSSLConfCmd SignatureAlgorithms, and renew the OpenSSL below it.",
    haproxy="Remove ssl-default-bind-sigalgs, and renew the OpenSSL below it.",
    caddy="Nothing to do: Go makes no such signature by itself.",
)
RENEWAL = Remedy(
    "renew the certificate, and see why it was not renewed by itself",
    Effort.CERTIFICATE,
    port443="port443 status  shows when and how it is renewed: with  issuer: local  automatically; your own "
    "one is taken up as soon as its files change.",
    nginx="certbot renew && nginx -s reload",
    apache="certbot renew && apachectl graceful",
    haproxy="Put the new file in place and run: set ssl cert, commit ssl cert  on the admin socket.",
    caddy="caddy reload  after the cause in its log is gone; it renews by itself.",
)
CLOCK = Remedy(
    "set the clock, or wait for the first day of the certificate",
    Effort.SETTING,
    port443="Check the clock of the machine; certificates of the local CA begin an hour early.",
    nginx="timedatectl  shows the clock; install the certificate on its first day.",
    apache="timedatectl  shows the clock. Install the certificate on its first day.",
    haproxy="timedatectl  shows the clock. Name the certificate in `crt` on its first day.",
    caddy="timedatectl  shows the clock. Certificates that Caddy orders have begun.",
)
NEW_CERTIFICATE = Remedy(
    "get another certificate",
    Effort.CERTIFICATE,
    port443="issuer: local  makes one, for clients that trust the local CA. For all others use your own: "
    "certificate: {chain: FILE, key: FILE}",
    nginx="certbot --nginx -d NAME",
    apache="certbot --apache -d NAME",
    haproxy="Order one with an ACME client and name it in `crt`.",
    caddy="Remove the `tls` line of the site; it orders a certificate by itself.",
)
TRUSTED_CERTIFICATE = replace(
    NEW_CERTIFICATE,
    what="get a certificate from a CA that the clients trust",
    port443="port443 trust path  prints the local CA's root, for the clients that should trust it.",
)
NAMED_CERTIFICATE = replace(
    NEW_CERTIFICATE,
    what="get a certificate that names the host",
    port443="List the name under `sites`; with  issuer: local  the certificate then covers it. A brought one "
    "must name it already.",
)
STRONG_KEY = replace(
    NEW_CERTIFICATE,
    what="get a certificate for a P-256 key",
    port443="Nothing to do for its own certificates: they have P-256 keys. A brought one needs a new key.",
    nginx="openssl ecparam -name prime256v1 -genkey  makes a key; order a certificate for it.",
)
SIGNING_CERTIFICATE = replace(
    NEW_CERTIFICATE,
    what="get a certificate whose keyUsage has digitalSignature",
    port443=NEW_CERTIFICATE.port443.replace("bring one:", "bring one whose keyUsage has digitalSignature:"),
)
CHAIN_IN_ORDER = Remedy(
    "send the leaf first, then its issuers, and not the root",
    Effort.SETTING,
    port443="certificate: {chain: fullchain.pem, key: key.pem}  with the leaf first, then its issuers.",
    nginx="ssl_certificate fullchain.pem;  (leaf first, then intermediates, no root)",
    apache="SSLCertificateFile fullchain.pem",
    haproxy="crt site.pem  made by: cat leaf.pem intermediates.pem key.pem > site.pem",
    caddy="tls fullchain.pem key.pem",
)
STAPLING = Remedy(
    "staple an OCSP response, or get a certificate that does not demand it",
    Effort.SETTING,
    port443="Bring a certificate without the demand: no response is stapled.",
    nginx="ssl_stapling on; ssl_stapling_verify on; resolver ADDRESS;",
    apache="SSLUseStapling on  and  SSLStaplingCache shmcb:logs/stapling(32768)",
    haproxy="ocsp-update on  in the crt-list, or set ssl ocsp-response  on the admin socket.",
    caddy="Nothing to do: it staples by itself; look into its log for why it cannot.",
)
OTHER_INTERMEDIATE = Remedy(
    "send another intermediate",
    Effort.CERTIFICATE,
    port443="issuer: local  makes chains that every client accepts. For clients without the local CA ask the "
    "CA of the site for a chain without it: most have a second intermediate.",
    nginx="Ask the CA for another intermediate, and put it into `ssl_certificate`.",
    apache="Ask the CA for another intermediate, and put it into `SSLCertificateFile`.",
    haproxy="Ask the CA for another intermediate, and put it into `crt`.",
    caddy="Ask the CA for another intermediate, or take another `issuer`.",
)
HSTS = Remedy(
    "send Strict-Transport-Security with a year",
    Effort.SETTING,
    port443="hsts: {max_age: 1y, include_subdomains: true}  in the site's settings.",
    nginx='add_header Strict-Transport-Security "max-age=31536000" always;',
    apache='Header always set Strict-Transport-Security "max-age=31536000"',
    haproxy='http-response set-header Strict-Transport-Security "max-age=31536000"',
    caddy='header Strict-Transport-Security "max-age=31536000"',
)
HSTS_SUBDOMAINS = Remedy(
    "cover the subdomains with HSTS, once all of them speak https",
    Effort.SETTING,
    port443=HSTS.port443,
    nginx=HSTS.nginx.replace(YEAR, YEAR_AND_BELOW),
    apache=HSTS.apache.replace(YEAR, YEAR_AND_BELOW),
    haproxy=HSTS.haproxy.replace(YEAR, YEAR_AND_BELOW),
    caddy=HSTS.caddy.replace(YEAR, YEAR_AND_BELOW),
)
ONE_HSTS = Remedy(
    "send one Strict-Transport-Security field",
    Effort.SETTING,
    port443=f"{HSTS.port443} The server behind it then has no say.",
    nginx="One add_header Strict-Transport-Security, and proxy_hide_header of the same name.",
    apache="Header always set, and Header unset without always.",
    haproxy="http-response set-header in the place of add-header.",
    caddy=HSTS.caddy.replace("header ", "header >"),
)
REDIRECT = Remedy(
    "redirect plain HTTP to https on the same host",
    Effort.SETTING,
    port443="Nothing to do: plain HTTP redirects to the same host and path.",
    nginx="return 301 https://$host$request_uri;  in the server block of plain HTTP.",
    apache="Redirect permanent / https://NAME/",
    haproxy="http-request redirect scheme https code 301 unless { ssl_fc }",
    caddy="Remove `auto_https disable_redirects`.",
)
SECURE_COOKIES = Remedy(
    "set every cookie with Secure",
    Effort.SETTING,
    port443="Let the server behind the site set Secure; X-Forwarded-Proto tells it that TLS is in use.",
    nginx="proxy_cookie_flags ~ secure httponly samesite=lax;",
    apache="Header always edit Set-Cookie ^(.*)$ $1;Secure",
    haproxy="http-response replace-header Set-Cookie (.*) \\1;\\ Secure",
    caddy='header_down Set-Cookie (.*) "$1; Secure"  in reverse_proxy.',
)
NO_CLEAR_COOKIES = Remedy(
    "redirect plain HTTP before any application answers",
    Effort.SETTING,
    port443="Nothing to do: plain HTTP is redirected, and never reaches a server behind the site.",
    nginx="return 301 https://$host$request_uri;  and nothing else in the server block of plain HTTP.",
    apache="Redirect permanent / https://NAME/  and no ProxyPass in the virtual host of plain HTTP.",
    haproxy="http-request redirect scheme https code 301 unless { ssl_fc }  before any use_backend.",
    caddy="Remove the site block of http://NAME.",
)
HIDDEN_VERSIONS = Remedy(
    "leave versions out of the answers",
    Effort.SETTING,
    port443="Let the server behind the site leave them out; port443 adds none.",
    nginx="server_tokens off;",
    apache="ServerTokens Prod",
    haproxy="http-response del-header Server",
    caddy="header -Server  and  header -X-Powered-By",
)
RIGHT_CLOCK = Remedy(
    "let the clock follow the time on the network",
    Effort.SETTING,
    port443="timedatectl set-ntp true  on the machine.",
    nginx="On the machine: timedatectl set-ntp true",
    apache="timedatectl set-ntp true  sets the machine's clock.",
    haproxy="timedatectl set-ntp true  sets the clock of the machine.",
    caddy="timedatectl set-ntp true  sets its machine's clock.",
)
STAY_ON_HTTPS = Remedy(
    "redirect to https:// or to a path, never to http://",
    Effort.SETTING,
    port443="Let the server behind the site redirect to https://, or to the path alone; it can read the "
    "scheme in X-Forwarded-Proto.",
    nginx="return 301 https://$host$request_uri;  and  proxy_set_header X-Forwarded-Proto $scheme;",
    apache="RequestHeader set X-Forwarded-Proto https, and no Redirect to http://.",
    haproxy="http-request set-header X-Forwarded-Proto https if { ssl_fc }",
    caddy="Remove `redir http://…`; let the server behind it trust X-Forwarded-Proto.",
)
NO_RENEGOTIATION = Remedy(
    "refuse renegotiations that clients begin",
    Effort.UPDATE,
    port443="Nothing to do: it never renegotiates.",
    nginx="Run 0.8.23 or newer: it refuses them.",
    apache="Run 2.2.15 or newer; it refuses them, unless SSLInsecureRenegotiation is on.",
    haproxy="Run 1.6 or newer, where it closes such connections.",
    caddy="Nothing to do: Go refuses them.",
)
EARLY_DATA = Remedy(
    "switch early data off, or hold back what must not be done twice",
    Effort.SETTING,
    port443="Nothing to do: early data is never taken.",
    nginx="ssl_early_data off;  or  proxy_set_header Early-Data $ssl_early_data;  where 425 is answered.",
    apache="Nothing to do: it takes no early data.",
    haproxy="Remove allow-0rtt, or  http-request wait-for-handshake if ! METH_GET",
    caddy="Nothing to do for TCP: Go takes no early data.",
)
TICKET_LIFETIME = Remedy(
    "let tickets end within a day",
    Effort.SETTING,
    port443="Nothing to do: tickets live for hours, and their keys are replaced.",
    nginx="ssl_session_timeout 1d;",
    apache="SSLSessionCacheTimeout 86400",
    haproxy="tune.ssl.lifetime 86400",
    caddy="Nothing to do: tickets end within a week, and their keys change every 12 hours.",
)
WORKING_HTTP_2 = Remedy(
    "choose h2 only where HTTP/2 is spoken",
    Effort.SETTING,
    port443="Nothing to do: it speaks both versions that it offers.",
    nginx="http2 on;  in the server block, or take h2 out of the ALPN of what stands before it.",
    apache="Protocols h2 http/1.1  with mod_http2 loaded, or Protocols http/1.1",
    haproxy="alpn h2,http/1.1  in mode http; in mode tcp the server behind it has to speak it.",
    caddy="protocols h1  in the global servers option, until it works.",
)
NO_FINITE_FIELDS = Remedy(
    "take no finite-field groups",
    Effort.SETTING,
    port443="Nothing to do: it exchanges keys in curves and hybrid groups only.",
    nginx="ssl_ecdh_curve X25519:prime256v1;  and suites with ECDHE only.",
    apache="SSLOpenSSLConfCmd Groups X25519:P-256  and suites with ECDHE only.",
    haproxy="ssl-default-bind-curves X25519:P-256  and suites with ECDHE only.",
    caddy="Nothing to do: Go has no finite-field groups.",
)
CONTENT_POLICY = Remedy(
    "send a Content-Security-Policy that names the sources of scripts",
    Effort.SETTING,
    port443="Let the server behind the site send it; port443 passes it on as it is.",
    nginx="add_header Content-Security-Policy \"default-src 'self'; object-src 'none'\" always;",
    apache="Header always set Content-Security-Policy \"default-src 'self'; object-src 'none'\"",
    haproxy="http-response set-header Content-Security-Policy \"default-src 'self'; object-src 'none'\"",
    caddy="header Content-Security-Policy \"default-src 'self'; object-src 'none'\"",
)
FRAMES = Remedy(
    "say who may frame the page",
    Effort.SETTING,
    port443="Let the server behind the site send X-Frame-Options or frame-ancestors.",
    nginx="add_header X-Frame-Options DENY always;",
    apache="Header always set X-Frame-Options DENY",
    haproxy="http-response set-header X-Frame-Options DENY",
    caddy="header X-Frame-Options DENY",
)
NO_SNIFFING = Remedy(
    "send X-Content-Type-Options: nosniff",
    Effort.SETTING,
    port443="Let the server behind the site send X-Content-Type-Options: nosniff.",
    nginx="add_header X-Content-Type-Options nosniff always;",
    apache="Header always set X-Content-Type-Options nosniff",
    haproxy="http-response set-header X-Content-Type-Options nosniff",
    caddy="header X-Content-Type-Options nosniff",
)
CORS = Remedy(
    "allow credentials to origins of a list only",
    Effort.SETTING,
    port443="Correct the server behind the site: it must not send back every Origin.",
    nginx="map $http_origin $allowed { https://app.example.com $http_origin; }  for add_header.",
    apache="SetEnvIf Origin ^https://app\\.example\\.com$ allowed=$0  and Header with env=allowed.",
    haproxy="http-response del-header Access-Control-Allow-Credentials",
    caddy="header -Access-Control-Allow-Credentials",
)
INTEGRITY = Remedy(
    "load scripts over https, and foreign ones with integrity",
    Effort.UPDATE,
    port443="It is in the pages: <script src=… integrity=sha384-… crossorigin>.",
    nginx="In the pages: <script src=… integrity=sha384-… crossorigin>, or scripts of the site's own.",
    apache="Change the pages: <script src=… integrity=sha384-… crossorigin>.",
    haproxy="The pages need it: <script src=… integrity=sha384-… crossorigin>.",
    caddy="Write it into the pages: <script src=… integrity=sha384-… crossorigin>.",
)
SESSION_COOKIES = Remedy(
    "set cookies of sessions with HttpOnly and SameSite",
    Effort.SETTING,
    port443="Let the server behind the site set HttpOnly and SameSite=Lax.",
    nginx="proxy_cookie_flags session secure httponly samesite=lax;",
    apache="Header always edit Set-Cookie ^(session=.*)$ $1;HttpOnly;SameSite=Lax",
    haproxy="http-response replace-header Set-Cookie (session=.*) \\1;\\ HttpOnly;\\ SameSite=Lax",
    caddy='header_down Set-Cookie (session=.*) "$1; HttpOnly; SameSite=Lax"  in reverse_proxy.',
)
HTTP_COMPRESSION = Remedy(
    "compress no page that holds a secret beside what users say",
    Effort.SETTING,
    port443="It compresses nothing itself; let the server behind the site leave such pages alone.",
    nginx="gzip off;  for such pages.",
    apache="SetEnv no-gzip 1  for those pages.",
    haproxy="Remove  compression algo  from that backend.",
    caddy="Remove `encode` from such routes.",
)
FRESH_STAPLE = Remedy(
    "staple a response that is fresh and of this certificate",
    Effort.SETTING,
    port443="Nothing to do: no response is stapled, and CAs of today need none.",
    nginx="ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate chain.pem;",
    apache="SSLStaplingReturnResponderErrors off  and  SSLStaplingStandardCacheTimeout 3600",
    haproxy="ocsp-update on  in the crt-list: it renews responses by itself.",
    caddy="Look into its log for why it cannot renew the response.",
)
