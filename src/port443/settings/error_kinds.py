"""The kinds of errors in a settings file, each with its code, name and explanation."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One kind of error. Code and name are stable and never reused."""

    code: str
    name: str
    explanation: str
    """Cause and next step, as `port443 explain CODE` prints them."""


FILE_TOO_LARGE = ErrorKind(
    "P443-E105",
    "file-too-large",
    "A settings file may have 4 MiB, which is room for more than ten thousand sites.\n"
    "Check that the path names a settings file.",
)
NOT_UTF8 = ErrorKind(
    "P443-E106",
    "not-utf8",
    "The file is not UTF-8 text. Save it as UTF-8 in your editor; a byte order mark does no harm.",
)
FILE_EMPTY = ErrorKind(
    "P443-E107",
    "file-empty",
    "The file is empty. The shortest useful one is:\n\n  sites:\n    app.localhost: http://127.0.0.1:9000",
)
NOT_A_MAPPING = ErrorKind(
    "P443-E108",
    "not-a-mapping",
    "The file must hold settings as `name: value`, with `sites:` among them, not a list or a single value.",
)
OTHER_FORMAT = ErrorKind(
    "P443-E109",
    "other-format",
    "The file was written for another program. Settings of port443 are YAML, and a site is one line of\n"
    "it:\n\n"
    "  sites:\n    app.localhost: http://127.0.0.1:9000",
)
NAME_INVALID = ErrorKind(
    "P443-E110",
    "name-invalid",
    "A name is a host name such as app.example.com, one with a leading wildcard label such as\n"
    '"*.example.com", or an IP address. A scheme, a port or a path does not belong to a name.',
)
YAML_SYNTAX = ErrorKind(
    "P443-E111",
    "yaml-syntax",
    "The text is not YAML 1.2 from this place on. Look at the line and the one before it: a colon needs a\n"
    "space behind it, and text with : # { } [ ] , & * ! | > @ ` % in it is safest between quotes.",
)
TAB = ErrorKind(
    "P443-E112",
    "tab",
    "YAML does not allow tabs in indentation. Indent with spaces; most editors have a setting for .yaml\n"
    "files.",
)
QUOTE_UNCLOSED = ErrorKind(
    "P443-E113",
    "quote-unclosed",
    "A quote opens here and is not closed on its line. Close it. No setting goes over several lines.",
)
INDENTATION = ErrorKind(
    "P443-E114",
    "indentation",
    "This line is indented more or less than the lines it belongs to. Settings of one group start in the\n"
    "same column; what belongs to a setting is indented by two more spaces.",
)
BRACKET_UNCLOSED = ErrorKind(
    "P443-E115",
    "bracket-unclosed",
    "A list [a, b] or a mapping {a: b} opens here and is not closed, or a comma is missing in it.",
)
KEY_DUPLICATE = ErrorKind(
    "P443-E116",
    "key-duplicate",
    "The same key is written twice in one group, and only one of the two could count. Remove one, or join\n"
    "them.",
)
ANCHOR = ErrorKind(
    "P443-E117",
    "anchor",
    "YAML anchors (&name) and aliases (*name) are not accepted, so that every value can be read where it is\n"
    'used. Write the value out. A wildcard name must be quoted: "*.example.com".',
)
TAG = ErrorKind(
    "P443-E118",
    "tag",
    "YAML tags (!name) are not accepted. Remove it; put text that starts with ! between quotes.",
)
MERGE = ErrorKind(
    "P443-E119",
    "merge-key",
    "The merge key << is not part of YAML 1.2 and not accepted. Write the values out.",
)
SEVERAL_DOCUMENTS = ErrorKind(
    "P443-E120",
    "several-documents",
    "A settings file is one YAML document. Remove the --- in its middle, or use several files.",
)
YAML_VERSION = ErrorKind(
    "P443-E121",
    "yaml-version",
    "The file declares another version of YAML than 1.2. Remove the %YAML line.",
)
KEY_NOT_TEXT = ErrorKind(
    "P443-E122",
    "key-not-text",
    "A key must be a string. Quote a number, true, false or null that is used as a key.",
)
TOO_DEEP = ErrorKind(
    "P443-E123",
    "too-deep",
    "Settings are a few levels deep; this is deeper than any of them could be. Look for a stray bracket.",
)
CHARACTER = ErrorKind(
    "P443-E124",
    "character",
    "The file holds a character that YAML forbids, mostly an invisible control character. Delete it.",
)
NUMBER_AMBIGUOUS = ErrorKind(
    "P443-E125",
    "number-ambiguous",
    "A number with leading zeros is octal in YAML 1.1 and decimal in YAML 1.2, and 0o17 is a number in\n"
    "YAML 1.2 only. Write a plain decimal number.",
)
SEVERAL_LINES = ErrorKind(
    "P443-E126",
    "several-lines",
    "YAML joins a value with the deeper lines that follow it, and no setting goes over several lines.\n"
    "Mostly the following line is indented too deep, or a - or a colon is missing.",
)
VARIABLE = ErrorKind(
    "P443-E127",
    "variable",
    "Settings have no variables: ${NAME}, $NAME and {{ name }} are not replaced. Write the value, or have a\n"
    "template tool write the file: `envsubst < port443.yaml.in > port443.yaml`.",
)
KEY_UNKNOWN = ErrorKind(
    "P443-E130",
    "key-unknown",
    "There is no such setting here. `port443 config schema` lists all of them.",
)
KEY_MISSING = ErrorKind(
    "P443-E131",
    "key-missing",
    "A setting that is needed is missing. The smallest complete file is:\n\n"
    "  sites:\n    app.localhost: http://127.0.0.1:9000",
)
TYPE_WRONG = ErrorKind(
    "P443-E132",
    "type-wrong",
    "The value has the wrong type: a string, a number, true or false, a list [a, b] or a mapping {a: b} was\n"
    "expected. A string that looks like a number needs quotes; a number must not have them.",
)
NOT_YES_OR_NO = ErrorKind(
    "P443-E133",
    "not-true-or-false",
    "YAML 1.2 has only true and false. yes, no, on and off are plain strings in it, though YAML 1.1 read\n"
    "them as true and false.",
)
VALUE_MISSING = ErrorKind(
    "P443-E134",
    "value-missing",
    "The key has no value. Write one, or remove the key to use its default.",
)
CHOICE_UNKNOWN = ErrorKind(
    "P443-E135",
    "choice-unknown",
    "This setting has a fixed set of values, and this is none of them.",
)
NUMBER_RANGE = ErrorKind(
    "P443-E136",
    "number-range",
    "The number is smaller or larger than is possible here.",
)
LIST_EMPTY = ErrorKind(
    "P443-E137",
    "list-empty",
    "The list must have at least one entry.",
)
TOO_MANY = ErrorKind(
    "P443-E138",
    "too-many",
    "The list exceeds a limit of the edge: 100,000 sites, 4096 names and 1024 servers for a site, 64\n"
    "listeners of a kind.",
)
DURATION_INVALID = ErrorKind(
    "P443-E140",
    "duration-invalid",
    "A duration is a whole number and a unit: 5s, 10m, 2h, 30d or 2y. A year has 365 days. A timeout is\n"
    "from 1s to 1d.",
)
SIZE_INVALID = ErrorKind(
    "P443-E141",
    "size-invalid",
    "A size is a whole number and a unit: 512B, 64KiB, 10MiB, 1GiB or 1TiB. A KiB has 1024 bytes. A header\n"
    "and its lines may have up to 16MiB.",
)
ADDRESS_INVALID = ErrorKind(
    "P443-E142",
    "address-invalid",
    'A listener is an IP address and a port: "0.0.0.0:443" for all of IPv4, "[::]:443" for all of IPv6,\n'
    '"127.0.0.1:8443" for this machine only.',
)
LISTENER_DUPLICATE = ErrorKind(
    "P443-E143",
    "listener-duplicate",
    "Two listeners have the same address and port. Only one can be opened: remove one or change its port.",
)
UPSTREAM_INVALID = ErrorKind(
    "P443-E150",
    "upstream-invalid",
    "An upstream is http://HOST or http://HOST:PORT, where HOST is a name, an IPv4 address, or an IPv6\n"
    "address in brackets.",
)
UPSTREAM_SCHEME = ErrorKind(
    "P443-E151",
    "upstream-scheme",
    "Upstreams are reached by plain HTTP: http://HOST:PORT. TLS to upstreams is not supported yet, so an\n"
    "upstream should be on this machine or in a network that you trust.",
)
UPSTREAM_PATH = ErrorKind(
    "P443-E152",
    "upstream-path",
    "An upstream is a server. Requests keep their own path, so the URL has no path, query, fragment or\n"
    "password: http://HOST:PORT.",
)
UPSTREAM_DUPLICATE = ErrorKind(
    "P443-E153",
    "upstream-duplicate",
    "The same server is a duplicate in a site's list. Requests are balanced over the list; remove one of\n"
    "the two.",
)
NO_SITES = ErrorKind(
    "P443-E160",
    "no-sites",
    "There is no site to serve. Add one:\n\n  sites:\n    app.localhost: http://127.0.0.1:9000",
)
NAME_DUPLICATE = ErrorKind(
    "P443-E161",
    "name-duplicate",
    "A name can belong to one site only, as its key or among its aliases. Remove it from one of the two.",
)
DEFAULT_SITE_UNKNOWN = ErrorKind(
    "P443-E162",
    "default-site-unknown",
    "`default_site` must be the name of a site of this file. It answers clients that name no site, or an\n"
    "unknown one; without it they are refused.",
)
ISSUER_NEEDED = ErrorKind(
    "P443-E163",
    "issuer-needed",
    "Names such as localhost, *.test, *.internal and private addresses are certified by the local CA by\n"
    "themselves. For any other name set the source of its certificate: `issuer: local` (the local CA, which\n"
    "your clients must trust), `certificate: {chain: FILE, key: FILE}` (one that you have), or a CA:\n\n"
    "  account: {email: ops@example.com, agree_tos: true}\n  issuers: [letsencrypt]",
)
ISSUER_CONFLICT = ErrorKind(
    "P443-E164",
    "issuer-conflict",
    "A site either has its own certificate (`certificate:`) or one from an issuer (`issuer:`). Remove one.",
)
HSTS_FOR_LOCAL = ErrorKind(
    "P443-E165",
    "hsts-for-local",
    "Browsers would refuse plain http to every port of localhost, and RFC 6797 section 8.1.1 has no HSTS\n"
    "for IP addresses. Remove `hsts`, or use a separate name such as app.localhost for the site.",
)
HSTS_PRELOAD = ErrorKind(
    "P443-E166",
    "hsts-preload",
    "Browsers put a site on their built-in list only with `max_age: 1y` or more and\n"
    "`include_subdomains: true`. Leaving that list takes months: set `preload` last.",
)
WILDCARD_INVALID = ErrorKind(
    "P443-E167",
    "wildcard-invalid",
    "A wildcard matches exactly one label, is the whole first label, and has at least two labels behind\n"
    'it: "*.example.com". Clients accept no other (RFC 9525 section 6.3).',
)
AGREEMENT_MISSING = ErrorKind(
    "P443-E175",
    "agreement-missing",
    "Public CAs issue certificates only to those who agree to their terms of service, and nobody can do\n"
    "that for you. Read them, then set `agree_tos: true`, under `account` for all issuers or at one:\n\n"
    "  account: {email: ops@example.com, agree_tos: true}\n  issuers: [letsencrypt]",
)
EAB_MISSING = ErrorKind(
    "P443-E176",
    "eab-missing",
    "This CA makes accounts only for its customers, who prove it by a key id and a MAC key (external\n"
    "account binding). Get both from the CA's own pages, put the MAC key into a file, and name both:\n\n"
    "  issuers:\n    - {name: zerossl, eab: {key_id: ID, key_file: /etc/port443/zerossl.key}}",
)
WILDCARD_ISSUER = ErrorKind(
    "P443-E177",
    "wildcard-issuer",
    "CAs validate a wildcard by a DNS record alone (dns-01), which this version does not write. Name the\n"
    "hosts one by one, as sites or `aliases`; or have the local CA certify it with `issuer: local`.",
)
NAME_NOT_PUBLIC = ErrorKind(
    "P443-E178",
    "name-not-public",
    "No public CA certifies names of one label, localhost, *.test, *.internal, *.home.arpa, or private\n"
    "addresses: they belong to nobody. The local CA certifies a site that has only such names by itself;\n"
    "in a site with other names, move them to a site of their own.",
)
ISSUER_UNKNOWN = ErrorKind(
    "P443-E179",
    "issuer-unknown",
    "An issuer is `local`, a public CA by its name (letsencrypt, letsencrypt-staging, google, zerossl,\n"
    "sslcom, actalis), or any ACME CA by the URL of its directory. One of your own gets a name:\n\n"
    "  issuers:\n    - {name: corp, directory: https://ca.internal/acme/directory, trust: root.pem}",
)
ISSUER_DUPLICATE = ErrorKind(
    "P443-E180",
    "issuer-duplicate",
    "The same CA is in the list of issuers twice. Remove one of the two.",
)
ISSUER_UNABLE = ErrorKind(
    "P443-E181",
    "issuer-unable",
    "None of the site's issuers puts such names into one certificate. Add another issuer that does, or\n"
    "split the site into several with fewer names.",
)
DIRECTORY_INVALID = ErrorKind(
    "P443-E182",
    "directory-invalid",
    "The directory of an ACME CA is a URL that starts with https://. A CA with a certificate of its own is\n"
    "believed by `trust: FILE`, a file with its root.",
)
EMAIL_INVALID = ErrorKind(
    "P443-E183",
    "email-invalid",
    "One e-mail address is needed, as in ops@example.com. The CA uses it for news about the account alone.",
)
PATH_INVALID = ErrorKind(
    "P443-E168",
    "path-invalid",
    "A path names a file; a relative one starts at the directory of the settings file.",
)

ERROR_KINDS: Final = {kind.code: kind for kind in tuple(globals().values()) if isinstance(kind, ErrorKind)}
"""Every kind by its code, for `port443 explain`."""
