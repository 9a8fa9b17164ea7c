#!/usr/bin/env python3
"""`sinkhole fetch` against real HTTP and HTTPS servers on loopback: what becomes the copy, what leaves the
one from before alone, and what is told to whom. Prints TAP. SINKHOLE is the program.

The servers answer as the path of the request says: each `serve_NAME` below is a path /NAME."""
import base64
import glob
import gzip
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import zlib

SINKHOLE = os.environ["SINKHOLE"]
LIST = b"".join(b"host%d.bad.example\n" % i for i in range(400))
OTHER = LIST + b"one.more.example\n"
TOKEN = "s3cret-t0ken-4711"

# --- the servers ----------------------------------------------------------------------------------------

seen = []  # (server, path with query, headers, body, user id of who asked)
lists = {}  # path: what /etag/... serves now


def user_of(port):
    """Whose socket it is, as the kernel says; None if it is gone already."""
    for line in open("/proc/net/tcp"):
        field = line.split()
        if field[1].endswith(":%04X" % port) and field[1].startswith("0100007F"):
            return int(field[7])
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except OSError:  # the other side had enough
            self.close_connection = True

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body):
        self.posted = body
        seen.append((self.server, self.path, self.headers, body, user_of(self.client_address[1])))
        name = self.path.split("?")[0].split("/")[1]
        globals().get("serve_" + name, serve_404)(self)

    def reply(self, body=b"", status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def stop(self):
        self.close_connection = True


def serve_list(h):
    h.reply(LIST)


def serve_404(h):
    h.reply(b"<html>no such list</html>", 404)


def serve_500(h):
    h.reply(b"broken", 500)


def serve_etag(h):
    body = lists.get(h.path, LIST)
    tag = '"%08x"' % zlib.crc32(body)
    if h.headers["If-None-Match"] == tag:
        h.send_response(304)
        h.send_header("ETag", tag)
        h.end_headers()
    else:
        h.reply(body, ETag=tag)


def serve_dated(h):
    date = "Sat, 21 Nov 2026 12:00:00 GMT"
    if h.headers["If-Modified-Since"] == date:
        h.send_response(304)
        h.end_headers()
    else:
        h.reply(LIST, Last_Modified=date)


def serve_304(h):
    h.send_response(304)
    h.end_headers()


def serve_switch(h):
    """A good list, until the test says what else."""
    lists.get(h.path, serve_list)(h)


def serve_to(h):
    """/to/CODE/URL"""
    code, url = h.path[4:].split("/", 1)
    h.reply(b"elsewhere", int(code), Location=url)


def serve_chain(h):
    left = int(h.path.split("/")[2])
    if left:
        h.reply(b"", 302, Location="/chain/%d" % (left - 1))
    else:
        h.reply(LIST)


def serve_loop(h):
    h.reply(b"", 301, Location="/loop")


def serve_nowhere(h):
    h.reply(b"", 302)


def serve_auth(h):
    h.reply(LIST if TOKEN in h.headers.get("Authorization", "") else b"", 200 if TOKEN in h.headers.get(
        "Authorization", "") else 401)


def serve_empty(h):
    h.reply(b"")


def serve_204(h):
    h.send_response(204)
    h.end_headers()


def serve_206(h):
    h.reply(LIST[:100], 206, Content_Range="bytes 0-99/1000")


def serve_html(h):
    h.reply(b"\xef\xbb\xbf\r\n  <!DOCTYPE HTML><html><body>Please log in</body></html>")


def serve_cut(h):
    h.send_response(200)
    h.send_header("Content-Length", str(len(LIST) + 90))
    h.end_headers()
    h.wfile.write(LIST)
    h.stop()


def serve_chunk_cut(h):
    h.send_response(200)
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    h.wfile.write(b"%x\r\n%s\r\n" % (len(LIST), LIST))
    h.stop()


def serve_gzip(h):
    h.reply(gzip.compress(LIST), Content_Encoding="gzip")


def serve_gzip_two(h):
    """Two members, which are one stream."""
    h.reply(gzip.compress(LIST[:1000]) + gzip.compress(LIST[1000:]), Content_Encoding="x-gzip")


def serve_gzip_cut(h):
    h.reply(gzip.compress(LIST)[:-300], Content_Encoding="gzip")


def serve_gzip_bad(h):
    h.reply(b"\x1f\x8b\x08" + os.urandom(500), Content_Encoding="gzip")


def serve_bomb(h):
    h.reply(gzip.compress(b"a.example\n" * 3000000), Content_Encoding="gzip")


def serve_bomb2(h):
    h.reply(gzip.compress(gzip.compress(b"a.example\n" * 9000000)), Content_Encoding="gzip, gzip")


def serve_endless(h):
    h.send_response(200)
    h.end_headers()
    h.stop()
    while True:
        h.wfile.write(LIST * 20)


def serve_drip(h):
    h.send_response(200)
    h.send_header("Content-Length", "1000000")
    h.end_headers()
    for _ in range(200):
        h.wfile.write(b"a")
        time.sleep(0.1)


def serve_silent(h):
    time.sleep(4)
    h.stop()


def serve_slow(h):
    h.send_response(200)
    h.send_header("Content-Length", str(len(OTHER)))
    h.end_headers()
    h.wfile.write(OTHER[:1000])
    h.wfile.flush()
    time.sleep(0.8)
    h.wfile.write(OTHER[1000:])


def serve_header(h):
    """An ETag that would become two headers of the next request, and one that is too long."""
    if h.path.endswith("/long"):
        h.reply(LIST, ETag='"' + "x" * 5000 + '"')
    else:
        h.wfile.write(b'HTTP/1.1 200 OK\r\nETag: "a\x01\xe9b"\r\nContent-Length: %d\r\n\r\n%s' % (len(LIST), LIST))


def serve_noise(h):
    h.wfile.write(b"\0\xff\x1b[2J nothing like HTTP\r\n\r\n")
    h.stop()


def serve_exports(h):
    """The token is in the path, as some publishers want it."""
    if h.path == "/exports/%s/recent.csv" % TOKEN:
        h.reply(LIST)
    elif "/moved/" in h.path:
        h.reply(b"", 302, Location="http://other.example" + h.path)
    else:
        h.reply(b"", 403)


def serve_echo(h):
    """Wrong JSON that quotes the secret it was sent."""
    sent = h.headers.get("X-Key") or base64.b64decode(h.headers["Authorization"].split()[1]).decode().split(":")[1]
    h.reply(b'{"objects" "%s"}' % sent.encode())


# TAXII: /taxii/VARIANT/collections/ID/objects/

def indicator(n):
    return {"type": "indicator", "spec_version": "2.1", "id": "indicator--%08d-5b4f-4d3c-8f3e-0123456789ab" % n,
            "created": "2026-11-20T00:00:00.000Z", "modified": "2026-11-20T00:00:00.000Z",
            "pattern_type": "stix", "pattern": "[domain-name:value = 'c%d.bad.example']" % n,
            "valid_from": "2026-11-20T00:00:00Z"}


def serve_taxii(h):
    variant = h.path.split("/")[2]
    query = dict(q.split("=", 1) for q in (h.path.split("?") + [""])[1].split("&") if q)
    if h.headers["Accept"] != "application/taxii+json;version=2.1":
        return h.reply(b"{}", 406)
    page = {"objects": [indicator(1), indicator(2)], "more": True, "next": "p%2 &x=1"}
    headers = {}
    if variant == "endless":
        pass
    elif variant == "empty":
        page = {}
    elif variant == "broken" and "next" in query:
        return h.reply(b'{"objects": [{"type": "indic')
    elif variant == "lost":
        del page["next"]
    elif variant == "array":
        page = [1, 2]
    elif variant == "dated":
        del page["next"]
        headers["X-TAXII-Date-Added-Last"] = "2026-11-21T12:00:00.123Z"
        if "added_after" in query:
            page = {"objects": [indicator(3)]}
    elif "next" in query:
        page = {"objects": [indicator(3)], "more": False}
    h.reply(json.dumps(page).encode(), Content_Type="application/taxii+json;version=2.1", **headers)


# MISP: /misp/VARIANT/attributes/restSearch

def serve_misp(h):
    asked = json.loads(h.posted or b"{}")
    if h.command != "POST" or not h.path.endswith("/attributes/restSearch"):
        return h.reply(b"", 405)
    if h.headers["Authorization"] != TOKEN:
        return h.reply(json.dumps({"message": "Authentication failed."}).encode(), 403)
    page = 1 if "/stuck/" in h.path else asked["page"]
    if "/moved/" in h.path:
        return h.reply(b"", 302, Location="https://127.0.0.1:1/elsewhere")
    if "/wrong/" in h.path:
        return h.reply(b'{"saved": false, "errors": "no"}')
    found = [{"uuid": "%08d-5b4f-4d3c-8f3e-0123456789ab" % n, "type": "domain", "value": "m%d.bad.example" % n, "to_ids": True}
             for n in range(page * 2 - 2, page * 2)] if page < 3 else []
    h.reply(json.dumps({"response": {"Attribute": found}}).encode())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context
        self.scheme = "https" if context else "http"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def finish_request(self, request, client_address):
        """The handshake happens in the thread of the connection."""
        if self.context:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError):
                return
        super().finish_request(request, client_address)

    def handle_error(self, *_):
        pass

    def url(self, path, host="127.0.0.1"):
        return "%s://%s:%d/%s" % (self.scheme, host, self.server_port, path)


# --- certificates ---------------------------------------------------------------------------------------

def openssl(*arguments):
    subprocess.run(("openssl",) + arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   cwd=room)


def make_authority():
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")


def context(name, san="IP:127.0.0.1,DNS:localhost", days="2", own=False):
    """Of a server whose certificate the authority signed, or it itself."""
    with open(os.path.join(room, name + ".ext"), "w") as f:
        f.write("subjectAltName=%s\n" % san)
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
            "-out", name + ".csr", "-subj", "/CN=" + name)
    signer = ["-signkey", name + ".key"] if own else ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
    openssl("x509", "-req", "-in", name + ".csr", "-out", name + ".pem", "-days", days, "-extfile", name + ".ext",
            *signer)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(os.path.join(room, name + ".pem"), os.path.join(room, name + ".key"))
    return made


# --- running the program --------------------------------------------------------------------------------

number = failures = 0


def ok(what, good, *shown):
    global number, failures
    number += 1
    print("%s %d - %s" % ("ok" if good else "not ok", number, what))
    if not good:
        failures += 1
        for text in shown or (result.stdout, result.stderr):
            for line in str(text).splitlines()[:12]:
                print("#", ascii(line)[1:-1])
    sys.stdout.flush()


def skip(what, why):
    global number
    number += 1
    print("ok %d - %s # SKIP %s" % (number, what, why))


result = None
cases = 0


class Case:
    """A configuration with one source, and a cache of its own."""

    def __init__(self, url, name="feed", **keys):
        global cases
        cases += 1
        self.dir = os.path.join(room, "case%d" % cases)
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o755)
        self.cache = os.path.join(self.dir, "cache")
        self.name = name
        self.path = os.path.join(self.dir, "sinkhole.yaml")
        self.keys = {"url": json.dumps(url), **keys}
        self.write()

    def write(self):
        with open(self.path, "w") as f:
            f.write("cache: %s\n" % self.cache)
            f.write("sources:\n  - name: %s\n" % json.dumps(self.name))
            for key, value in self.keys.items():
                f.write("    %s: %s\n" % (key.replace("_", "-"), value))

    def token(self, text, mode=0o600):
        path = os.path.join(self.dir, "token")
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        self.keys["token-file"] = "token"
        self.write()
        return self

    def command(self, *arguments):
        return [SINKHOLE, "fetch", "-c", self.path, *arguments]

    def run(self, *arguments, **env):
        global result
        result = subprocess.run(self.command(*arguments), capture_output=True, text=True, errors="replace",
                                env={**environment, **env}, timeout=60, cwd=self.dir)
        return result.returncode

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment, cwd=self.dir)

    def copy(self):
        """The bytes of the copy; None: there is none."""
        found = glob.glob(glob.escape(self.cache) + "/*.feed")
        return open(found[0], "rb").read() if found else None

    def meta(self):
        return json.load(open(glob.glob(glob.escape(self.cache) + "/*.meta")[0]))

    def change_meta(self, pattern, to):
        path = glob.glob(glob.escape(self.cache) + "/*.meta")[0]
        text = open(path).read()
        assert re.search(pattern, text), text
        with open(path, "w") as f:
            f.write(re.sub(pattern, to, text))

    def files(self):
        return sorted(os.listdir(self.cache))


def now_serves(case, how):
    """From now on /switch/... answers differently."""
    lists[re.sub(r"^\w+://[^/]*", "", json.loads(case.keys["url"]))] = how


switches = 0


def good_copy(server=None, **keys):
    """A case whose list was fetched already, and asks each time."""
    global switches
    switches += 1
    case = Case((server or plain).url("switch/%d" % switches), **keys)
    assert case.run() == 0, result.stderr
    return case


def said(pattern):
    return re.search(pattern, result.stderr) is not None


def one_line():
    return result.stderr.count("\n") == 1


def keeps(what, how, pattern, status=1, server=None, **keys):
    """With `how` in the place of the list the copy stays as it is, and one line says why."""
    case = good_copy(server, **keys)
    before = case.copy(), case.meta(), case.files()
    now_serves(case, how)
    got = case.run("--force")
    ok("%s: one line, exit %d" % (what, status), got == status and one_line() and said(pattern) and
       said(r"source 'feed': https?://127\.0\.0\.1:\d+/switch/\d+: ") and said(r"; the copy of 20.* stays \(\d+ s old\)"))
    ok("%s: the copy is as before, byte for byte" % what, (case.copy(), case.meta(), case.files()) == before)


def refused(what, url, pattern, **keys):
    """There is no copy, and none is made."""
    env = {k: keys.pop(k) for k in list(keys) if k.isupper() or k == "no_proxy"}
    case = Case(url, **keys)
    got = case.run(**env)
    ok(what, got == 4 and one_line() and said(pattern) and said("there is no copy from before") and case.copy() is None)
    ok("%s: nothing is left" % what, case.files() == ["lock"], case.files())


def requests_of(path):
    return [s for s in seen if s[1].split("?")[0] == "/" + path]


def wait_for(condition, seconds=5):
    end = time.time() + seconds
    while not condition() and time.time() < end:
        time.sleep(0.01)
    return condition()


# --- what becomes a copy --------------------------------------------------------------------------------

def test_copies():
    case = Case(plain.url("list"))
    ok("200: a new copy", case.run() == 0 and case.copy() == LIST and "feed: new, " in result.stdout)
    ok("nothing is said on stderr", result.stderr == "")
    ok("files for the owner only", [os.stat(os.path.join(case.cache, f)).st_mode & 0o777 for f in case.files()] ==
       [0o600] * 3 and os.stat(case.cache).st_mode & 0o777 == 0o700, case.files())
    meta = case.meta()
    ok("what is known about it", meta["bytes"] == len(LIST) and meta["source"] == "feed" and
       meta["url"] == plain.url("list") and len(meta["sha256"]) == 64, meta)
    asked = len(requests_of("list"))
    ok("fresh: not asked again", case.run() == 0 and len(requests_of("list")) == asked and
       "feed: fresh" in result.stdout)
    ok("--force: asked, and unchanged", case.run("--force") == 0 and len(requests_of("list")) == asked + 1 and
       "feed: unchanged" in result.stdout)
    ok("--json", case.run("--json") == 0 and json.loads(result.stdout)[0]["result"] == "fresh" and
       json.loads(result.stdout)[0]["sha256"] == meta["sha256"])
    ok("by name", case.run("feed") == 0)
    ok("an unknown name is wrong usage", case.run("fed") == 2 and said("no source is called 'fed'"))
    with open(case.path, "w") as f:
        f.write("sources:\n  - {name: x, path: list.txt}\n")
    ok("a source that is not fetched is wrong usage", case.run("x") == 2 and said("source 'x' is not fetched"))
    ok("none that is fetched: done", case.run() == 0 and said("no source of .* is fetched"))
    with open(case.path, "w") as f:
        f.write("sources:\n  - {name: x, url: 'ftp://x'}\n")
    ok("a wrong configuration", case.run() == 3 and said(":2:"))
    ok("no such configuration", subprocess.run([SINKHOLE, "fetch", "-c", "/nowhere/x"], capture_output=True).returncode == 4)
    ok("no configuration is wrong usage", subprocess.run([SINKHOLE, "fetch"], capture_output=True).returncode == 2)

    case = Case(plain.url("etag/1"), refresh="2h")
    case.run()
    case.change_meta(r'"fetched": "20\d\d', '"fetched": "2020')
    first = case.meta()
    ok("304 keeps the copy", case.run() == 0 and "unchanged" in result.stdout and case.copy() == LIST)
    ok("304 renews its time", case.meta()["fetched"] > first["fetched"] and case.meta()["etag"] == first["etag"])
    lists["/etag/1"] = OTHER
    ok("another ETag: a new copy", case.run("--force") == 0 and "new" in result.stdout and case.copy() == OTHER and
       case.meta()["etag"] != first["etag"])
    case.keys["url"] = json.dumps(plain.url("etag/2"))
    case.write()
    ok("another URL is asked at once, without the ETag of the former", case.run() == 0 and case.copy() == LIST and
       requests_of("etag/2")[-1][2]["If-None-Match"] is None)

    case = Case(plain.url("dated"))
    case.run()
    ok("If-Modified-Since", case.run("--force") == 0 and "unchanged" in result.stdout and
       requests_of("dated")[-1][2]["If-Modified-Since"] is not None)

    for path in "gzip", "gzip_two":
        case = Case(plain.url(path))
        ok("%s on the way" % path, case.run() == 0 and case.copy() == LIST)
    case = Case(secure.url("list"))
    ok("https", case.run() == 0 and case.copy() == LIST)
    case = Case(plain.url("chain/5"))
    ok("five redirects", case.run() == 0 and case.copy() == LIST)
    case = Case(secure.url("to/307/" + secure.url("list")))
    ok("a redirect from https to https", case.run() == 0 and case.copy() == LIST)

    for name in "../../etc/x", ".hidden", "a b/\u00e9'$(id)", "n" * 400:
        case = Case(plain.url("list"), name=name)
        ok("a source called %s" % ascii(name[:20]), case.run() == 0 and case.copy() == LIST and
           len(case.files()) == 3 and all(re.fullmatch(r"[A-Za-z0-9_%-][A-Za-z0-9_.%~-]*", f) for f in case.files()) and
           sorted(os.listdir(case.dir)) == ["cache", "sinkhole.yaml"], case.files())


def test_validators():
    case = Case(plain.url("header/bytes"))
    ok("an ETag of other bytes than ASCII is not kept", case.run() == 0 and "etag" not in case.meta())
    case = Case(plain.url("header/long"))
    ok("nor one of 5000 bytes", case.run() == 0 and "etag" not in case.meta())
    case = Case(plain.url("etag/3"))
    case.run()
    case.change_meta('"etag": "', r'"etag": "x\\r\\nX-Evil: 1')
    ok("a forged one in the cache makes no header", case.run("--force") == 0 and
       requests_of("etag/3")[-1][2]["X-Evil"] is None)


# --- what does not --------------------------------------------------------------------------------------

def test_failures():
    keeps("404", serve_404, "HTTP 404;")
    keeps("500", serve_500, "HTTP 500;")
    keeps("206", serve_206, "HTTP 206;")
    keeps("204", serve_204, "HTTP 204;")
    keeps("304 that was not asked for", serve_304, "HTTP 304;")
    keeps("401", lambda h: h.reply(b"", 401), r"HTTP 401 \(does it want a token-file\?\);")
    keeps("an empty body", serve_empty, ": empty;")
    keeps("an HTML page", serve_html, "HTML page")
    keeps("an XML error", lambda h: h.reply(b'<?xml version="1.0"?><Error/>'), "HTML page")
    keeps("a cut body", serve_cut, "cut short: ")
    keeps("a cut chunk", serve_chunk_cut, "cut short: ")
    keeps("a gzip stream that is none", serve_gzip_bad, "stays")
    keeps("a cut gzip stream", serve_gzip_cut, "cut short")
    keeps("no HTTP", serve_noise, "stays")
    keeps("too large", serve_endless, "larger than 100000 bytes", limits="{bytes: 100000}")
    keeps("a bomb", serve_bomb, "larger than 1000000 bytes", limits="{bytes: 1000000}")
    keeps("a bomb in a bomb", serve_bomb2, "not asked for")
    keeps("brotli, which was not asked for", lambda h: h.reply(LIST, Content_Encoding="br"), "not asked for")
    begun = time.time()
    keeps("a slow drip", serve_drip, "too slow", limits="{time: 1s}")
    ok("the time limit holds: the drip is not waited for, which lasts 20 seconds", time.time() - begun < 15)
    keeps("a silent server", serve_silent, "too slow", limits="{time: 1s}")
    case = good_copy()
    before = case.copy()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        case.keys["url"] = json.dumps("http://127.0.0.1:%d/x" % closed.getsockname()[1])
        case.write()
        ok("nobody listens", case.run("--force") == 1 and one_line() and said("stays"))
    ok("nobody listens: the copy is as before", case.copy() == before)
    ok("--json says why", case.run("--force", "--json") == 1 and json.loads(result.stdout)[0]["result"] == "kept" and
       "stays" in json.loads(result.stdout)[0]["why"])


def test_redirects():
    refused("https to http", secure.url("to/302/" + plain.url("list")), "redirect to http://127.0.0.1 refused: another scheme")
    refused("http to https", plain.url("to/302/" + secure.url("list")), "another scheme")
    refused("to file://", plain.url("to/302/file:///etc/passwd"), "redirect to file://")
    refused("to gopher://", secure.url("to/301/gopher://127.0.0.1/"), "redirect to gopher://")
    refused("http to another host", plain.url("to/302/http://192.0.2.1/list"), "http goes to addresses of this host only")
    refused("to a URL with a password", secure.url("to/302/https://u:p@127.0.0.1/"), "user or password")
    refused("in circles", plain.url("loop"), "more than 5 redirects")
    refused("six redirects", plain.url("chain/6"), "more than 5 redirects")
    refused("nowhere", plain.url("nowhere"), "leads nowhere")
    # no question leaves this host: a label of 70 octets is refused by the C library's resolver, in its thread
    refused("a name that cannot be", "https://%s.example/" % ("a" * 70), "resolve host", NO_PROXY="*", no_proxy="*")
    refused("a proxy that is not there", "https://192.0.2.1/", "127.0.0.1 port 9")
    refused("to a line end", plain.url("to/302/%0d%0aX:%20y"), ".")


def test_tls():
    other = Server(context("other", san="DNS:other.example"))
    refused("a certificate for another name", other.url("list"), "TLS: .*(name|subject)")
    refused("an expired certificate", Server(context("expired", days="-1")).url("list"), "TLS: .*expired")
    refused("a self-signed certificate", Server(context("own", own=True)).url("list"), "TLS: .*self.signed")
    refused("an authority that nobody trusts", secure.url("list"), "TLS: ", CURL_CA_BUNDLE="", SSL_CERT_FILE="")
    refused("plain HTTP where TLS is expected", plain.url("list").replace("http:", "https:"), "TLS: |SSL")
    old = context("old")
    try:
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
    except (ValueError, ssl.SSLError):
        skip("TLS 1.1", "this Python cannot speak it")
    else:
        refused("TLS 1.1", Server(old).url("list"), "TLS: ")
    ok("SSL_CERT_FILE names the authority, too", Case(secure.url("list")).run(
        CURL_CA_BUNDLE="", SSL_CERT_FILE=os.path.join(room, "ca.pem")) == 0)


def test_files():
    path = os.path.join(room, "a list.txt")
    open(path, "wb").write(LIST)
    os.chmod(path, 0o644)
    case = Case("file://" + path.replace(" ", "%20"))
    ok("file://", case.run() == 0 and case.copy() == LIST)
    ok("file://, unchanged", case.run("--force") == 0 and "unchanged" in result.stdout)
    open(path, "wb").write(OTHER)
    ok("file://, changed", case.run("--force") == 0 and "new" in result.stdout and case.copy() == OTHER)
    os.unlink(path)
    ok("file://, gone", case.run("--force") == 1 and case.copy() == OTHER and said("No such file"))
    fifo = os.path.join(room, "fifo")
    os.mkfifo(fifo)
    os.chmod(fifo, 0o644)
    refused("file:// of a FIFO", "file://" + fifo, "not a regular file")
    refused("file:// of a directory", "file://" + room, "not a regular file")
    refused("file:// of a device", "file:///dev/zero", "not a regular file")
    big = os.path.join(room, "big")
    open(big, "wb").write(LIST * 100)
    os.chmod(big, 0o644)
    refused("file:// too large", "file://" + big, "larger than", limits="{bytes: 10000}")


# --- tokens ---------------------------------------------------------------------------------------------

def test_tokens():
    case = Case(plain.url("auth/1")).token(TOKEN + "\n")
    ok("a token", case.run() == 0 and case.copy() == LIST and
       requests_of("auth/1")[-1][2]["Authorization"] == "Bearer " + TOKEN)
    ok("nothing is said about a token of mode 600", result.stderr == "")
    case = Case(plain.url("list/basic")).token("me:%s\n" % TOKEN)
    case.run()
    ok("user:password", requests_of("list/basic")[-1][2]["Authorization"] ==
       "Basic " + base64.b64encode(b"me:" + TOKEN.encode()).decode())
    case = Case(plain.url("list/own")).token("Auth-Key: %s\n" % TOKEN)
    case.run()
    ok("a header of one's own", requests_of("list/own")[-1][2]["Auth-Key"] == TOKEN)
    case = Case(plain.url("auth/2")).token("wrong\n")
    ok("a wrong token", case.run() == 4 and said(r"HTTP 401 \(is the token right\?\)"))
    case = Case(plain.url("list")).token(TOKEN, 0o644)
    ok("a token that others may read: a warning", case.run() == 0 and one_line() and said("every user"))
    for what, text in ("empty", ""), ("of two lines", TOKEN + "\nX-Evil: 1\n"), ("of other bytes", TOKEN + "\x07"), \
            ("of 5000 bytes", "x" * 5000):
        case = Case(plain.url("list/bad")).token(text)
        ok("a token file that is %s" % what, case.run() == 4 and one_line() and said("not one line") and
           TOKEN not in result.stderr)
    ok("nobody was asked with such a token", not requests_of("list/bad"))
    case = Case(plain.url("list")).token("x")
    os.unlink(os.path.join(case.dir, "token"))
    ok("no token file", case.run() == 4 and said("token-file.*No such file"))

    case = Case(plain.url("to/302/" + second.url("list/stranger"))).token(TOKEN)
    ok("after a redirect to another host", case.run() == 0 and case.copy() == LIST)
    ok("that host is not told the token", TOKEN not in str(requests_of("list/stranger")[-1][2]))
    case = Case(plain.url("to/302/" + plain.url("auth/3"))).token(TOKEN)
    ok("after a redirect to the same host it is", case.run() == 0 and case.copy() == LIST)
    case = Case(plain.url("to/302/" + second.url("to/302/" + plain.url("list/back")))).token("X-Key: " + TOKEN)
    case.run()
    ok("by way of another host: that one is not told", TOKEN not in str(
        [s[2].items() for s in seen if s[0] is second]))

    case = Case(plain.url("exports/{token}/recent.csv")).token(TOKEN)
    ok("a token in the URL", case.run() == 0 and case.copy() == LIST and
       "Authorization" not in requests_of("exports/%s/recent.csv" % TOKEN)[-1][2])
    for path in "exports/{token}/secret.csv", "exports/moved/{token}/x":
        case = Case(plain.url(path)).token(TOKEN)
        ok("%s: it is not shown" % path, case.run() == 4 and TOKEN not in result.stdout + result.stderr)
    ok("no token in any cache", subprocess.run(["grep", "-rlF", TOKEN, *glob.glob(room + "/case*/cache")],
                                               capture_output=True).returncode == 1)
    for what, text in ("of a header", "X-Key: " + TOKEN), ("of a user", "me:" + TOKEN):
        case = Case(plain.url("echo/1"), fetch="taxii").token(text)
        ok("the secret part %s, quoted by the server, is not shown" % what,
           case.run() == 4 and one_line() and TOKEN not in result.stdout + result.stderr)
    ok("a place for the token, and no token", Case(plain.url("exports/{token}/x")).run() == 4 and said("no token-file"))
    case = Case(plain.url("404x/list?key=" + TOKEN))
    ok("a query is not shown", case.run() == 4 and "404x/list" in result.stderr and TOKEN not in result.stderr)


def children(pid):
    try:
        return [int(c) for c in open("/proc/%d/task/%d/children" % (pid, pid)).read().split()]
    except OSError:
        return []


def process_texts(pid):
    text = b""
    for name in "cmdline", "environ", "comm", "status":
        try:
            text += open("/proc/%d/%s" % (pid, name), "rb").read()
        except OSError:
            pass
    return text


def test_process():
    case = Case(plain.url("slow/1")).token(TOKEN)
    process = case.start()
    wait_for(lambda: requests_of("slow/1"))
    workers = children(process.pid)
    ok("one process meets the network", len(workers) == 1, workers)
    worker = workers[0]
    text = b"".join(process_texts(p) for p in (worker, process.pid))
    ok("no token in command line or environment", b"sinkhole" in text and TOKEN.encode() not in text)
    status = dict(line.split(":", 1) for line in open("/proc/%d/status" % worker) if ":" in line)
    ok("it has no new privileges", status["NoNewPrivs"].strip() == "1")
    ok("its system calls are filtered", status["Seccomp"].strip() == "2")
    if os.geteuid() == 0:
        user = int(status["Uid"].split()[0])
        ok("it is not root", set(status["Uid"].split()) == {str(user)} and user != 0 and
           "0" not in status["Gid"].split() and status["Groups"].strip() == "", status)
        ok("nor is it capable of anything", int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0)
        ok("the server sees that user's socket", requests_of("slow/1")[-1][4] == user, requests_of("slow/1")[-1][4])
        descriptors = os.listdir("/proc/%d/fd" % worker)
        shown = [os.readlink("/proc/%d/fd/%s" % (worker, d)) for d in descriptors]
        ok("it has the new file and nothing else of ours", [s for s in shown if s.startswith("/") and
           s != "/dev/null"] == [case.cache + "/feed.new"], shown)
    else:
        skip("another user", "not root")
    limits = open("/proc/%d/limits" % worker).read()
    ok("its resources are limited", re.search(r"Max core file size +0 ", limits) and
       re.search(r"Max open files +64 ", limits) and re.search(r"Max file size +536870912 ", limits) and
       re.search(r"Max cpu time +310 ", limits), limits)
    ok("it is done", process.wait(10) == 0 and case.copy() == OTHER)
    process.communicate()
    if os.geteuid() == 0:
        case.keys.pop("token-file")
        with open(case.path, "a") as f:
            f.write("fetch-user: no-such-user\n")
        ok("a user that does not exist is an error", case.run("--force") == 4 and said("no user 'no-such-user'"))


# --- being killed, being two ----------------------------------------------------------------------------

def test_killed():
    case = good_copy()
    before = case.copy(), case.meta()
    now_serves(case, serve_slow)
    asked = len(seen)
    process = case.start("--force")
    wait_for(lambda: len(seen) > asked)
    workers = children(process.pid)
    process.kill()
    process.communicate()
    ok("killed while fetching: the copy is as before", (case.copy(), case.meta()) == before)
    ok("the fetching process dies with it", workers and wait_for(
        lambda: not any(os.path.exists("/proc/%d" % w) and "Z" not in open("/proc/%d/stat" % w).read().split()[2]
                        for w in workers)), workers)
    ok("the next one is not held up", case.run("--force") == 0 and case.copy() == OTHER and len(case.files()) == 3)

    case = good_copy()
    now_serves(case, serve_slow)
    asked = len(seen)
    process = case.start("--force")
    wait_for(lambda: len(seen) > asked)
    for worker in children(process.pid):
        os.kill(worker, signal.SIGKILL)
    stderr = process.communicate()[1]
    ok("the fetching process killed: one line, the copy stays", process.returncode == 1 and case.copy() == LIST and
       "died of signal 9" in stderr and stderr.count("\n") == 1, stderr)

    case = Case(plain.url("etag/killed"))
    case.run()
    bad = []
    chance = random.Random(4)
    for turn in range(25):
        lists["/etag/killed"] = LIST if turn % 2 else OTHER
        process = case.start("--force")
        time.sleep(chance.uniform(0, 0.04))
        process.kill()
        process.communicate()
        if case.copy() not in (LIST, OTHER):
            bad.append(turn)
    ok("killed at 25 moments: always a whole copy", not bad, bad)
    ok("and always one to go on from", case.run("--force") == 0 and case.copy() == lists["/etag/killed"] and
       case.meta()["bytes"] == len(case.copy()))

    # The moment between the two renames: the copy is newer than what is known about it.
    case = Case(plain.url("etag/between"))
    case.run()
    feed = glob.glob(case.cache + "/*.feed")[0]
    for text in OTHER, b"x" * len(LIST):
        open(feed, "wb").write(text)
        ok("killed between copy and knowledge: asked without the older ETag", case.run("--force") == 0 and
           requests_of("etag/between")[-1][2]["If-None-Match"] is None and case.copy() == LIST)
    meta = glob.glob(case.cache + "/*.meta")[0]
    for text in "", "[]", "{\"bytes\": \"1\"}", "\0" * 100, open(meta).read()[:-40]:
        open(meta, "w").write(text)
        ok("damaged knowledge: asked anew", case.run() == 0 and case.copy() == LIST and
           requests_of("etag/between")[-1][2]["If-None-Match"] is None)


def test_two():
    case = Case(plain.url("slow/2"))
    both = [case.start() for _ in range(2)]
    outputs = [p.communicate() for p in both]
    ok("two at once: both are content", [p.returncode for p in both] == [0, 0], outputs)
    ok("one of them asked, the other waited", len(requests_of("slow/2")) == 1 and
       sum("waiting for another" in o[1] for o in outputs) == 1 and case.copy() == OTHER, outputs)


def test_clock():
    case = Case(plain.url("list/clock"), refresh="30d")
    case.run()
    case.change_meta(r'"fetched": "20\d\d', '"fetched": "2099')
    asked = len(requests_of("list/clock"))
    ok("a copy from the future is not fresh", case.run() == 0 and len(requests_of("list/clock")) == asked + 1 and
       case.meta()["fetched"] < "2099")
    ok("but now it is", case.run() == 0 and "fresh" in result.stdout)


def test_cache():
    case = Case(plain.url("list"))
    os.mkdir(case.cache)
    os.chmod(case.cache, 0o777)
    ok("a cache that others may write to is refused", case.run() == 4 and one_line() and said("by others"))
    os.rmdir(case.cache)
    open(case.cache, "w").close()
    ok("a cache that is a file", case.run() == 4 and one_line())
    os.unlink(case.cache)
    os.mkdir(case.cache, 0o700)
    target = os.path.join(case.dir, "target")
    open(target, "w").write("precious")
    for name in "feed.new", "feed.note", "feed.meta", "feed.feed":
        os.symlink(target, os.path.join(case.cache, name))
    ok("links in the cache are not followed", case.run() == 0 and open(target).read() == "precious" and
       not any(os.path.islink(os.path.join(case.cache, f)) for f in case.files()))
    case = Case(plain.url("list"))
    open(case.path, "w").write("sources:\n  - name: x\n    url: \"%s\"\n" % plain.url("list"))
    ok("$SINKHOLE_CACHE_DIR", case.run(SINKHOLE_CACHE_DIR=os.path.join(case.dir, "c2")) == 0 and
       os.path.exists(os.path.join(case.dir, "c2", "x.feed")))


# --- pages ----------------------------------------------------------------------------------------------

def taxii(variant, path="collections/c1/", **keys):
    return Case(plain.url("taxii/%s/%s" % (variant, path)), fetch="taxii", **keys)


def test_taxii():
    for variant, path in ("two", "collections/c1/"), ("two", "collections/c1"), ("two", "collections/c1/objects/"), \
            ("dated", "collections/c1/"):
        case = taxii(variant, path)
        good = case.run() == 0
        bundle = json.loads(case.copy() or "{}")
        ok("TAXII, %s, %s: two pages, one bundle" % (variant, path), good and bundle["type"] == "bundle" and
           bundle["objects"] == [indicator(n) for n in (1, 2, 3)], result.stderr, bundle)
    ok("the name of the next page is escaped", any("&next=p%252+%26x%3d1" in s[1].lower() for s in seen),
       [s[1] for s in seen[-8:]])
    ok("the bundle is read as stix", recognised(case) == "stix", result.stdout, result.stderr)
    ok("--force: the same objects are unchanged", case.run("--force") == 0 and "unchanged" in result.stdout)
    case = taxii("empty")
    ok("an empty collection is a bundle of nothing", case.run() == 0 and json.loads(case.copy())["objects"] == [])
    for variant, path, pattern in ("endless", "collections/c1/", "same page"), ("broken", "collections/c1/", "no JSON"), \
            ("lost", "collections/c1/", "more pages are promised"), ("array", "collections/c1/", "no TAXII 2.1"):
        case = taxii(variant, path)
        ok("TAXII, %s: refused" % variant, case.run() == 4 and one_line() and said(pattern) and case.copy() is None)
    case = taxii("endless", limits="{bytes: 500}")
    ok("TAXII: the limit of bytes holds for all pages", case.run() == 4 and said("larger than 500 bytes"))
    case = taxii("two").token("me:pass word")
    case.run()
    ok("TAXII with user and password", seen[-1][2]["Authorization"] == "Basic " + base64.b64encode(b"me:pass word").decode())


def recognised(case):
    """The format as which compile reads the copy, if it gives an entry."""
    global result
    result = subprocess.run([SINKHOLE, "compile", "--dry-run", "--json", "-d", os.path.join(case.dir, "data"),
                             *glob.glob(case.cache + "/*.feed")], capture_output=True, text=True)
    source = json.loads(result.stdout)["sources"][0] if result.returncode == 0 else {"entries": 0}
    return source["entries"] and source["format"]


def misp(path, token=TOKEN):
    return Case(plain.url("misp/" + path), fetch="misp").token(token)


def test_misp():
    case = misp("good/")
    good = case.run() == 0
    body = json.loads(case.copy() or "{}")
    ok("MISP: two pages, one answer", good and [a["value"] for a in body["response"]["Attribute"]] ==
       ["m%d.bad.example" % n for n in range(4)], result.stderr, body)
    ok("MISP: it is read as misp", recognised(case) == "misp", result.stdout, result.stderr)
    asked = [json.loads(s[3]) for s in requests_of("misp/good/attributes/restSearch")]
    ok("MISP: until a page is empty", [a["page"] for a in asked] == [1, 2, 3] and asked[0]["returnFormat"] == "json" and
       asked[0]["to_ids"] == 1 and "domain" in asked[0]["type"]["OR"], asked)
    ok("MISP: the URL of the search itself", misp("good/attributes/restSearch").run() == 0)
    ok("MISP: a wrong key", misp("good", "nonsense").run() == 4 and said("HTTP 403 .is the token right"))
    ok("MISP: a server that knows no pages", misp("stuck").run() == 4 and said("same page"))
    ok("MISP: another answer", misp("wrong").run() == 4 and said("no answer of MISP"))
    ok("MISP: a redirect is not followed", misp("moved").run() == 4 and said("redirect") and one_line())


# --------------------------------------------------------------------------------------------------------

tests = [test_copies, test_validators, test_failures, test_redirects, test_tls, test_files, test_tokens, test_process,
         test_killed, test_two, test_clock, test_cache, test_taxii, test_misp]

room = tempfile.mkdtemp(prefix="sinkhole-fetch-")
os.chmod(room, 0o755)  # another user reads the authority's certificate
environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
environment.update(CURL_CA_BUNDLE=os.path.join(room, "ca.pem"), LC_ALL="C", https_proxy="http://127.0.0.1:9",
                   no_proxy="127.0.0.1", http_proxy="http://127.0.0.1:9")
environment.pop("SINKHOLE_CACHE_DIR", None)
try:
    make_authority()
    plain, second, secure = Server(), Server(), Server(context("good"))
    for test in tests:
        if len(sys.argv) < 2 or test.__name__[5:] in sys.argv[1:]:
            begun = time.time()
            test()
            print("# %s: %.1f s" % (test.__name__[5:], time.time() - begun))
finally:
    shutil.rmtree(room)
print("1..%d" % number)
sys.exit(failures > 0)
