#!/usr/bin/python3
"""hallmark log accept, and submissions as a program of other people makes them (doc/format/log.md): accept.py HALLMARK SOURCE. Everything on the loopback."""
import base64, hashlib, os, re, subprocess, sys, time, urllib.error, urllib.request

hallmark, source = sys.argv[1:]
sys.dont_write_bytecode = True  # the source tree stays as it is
sys.path.insert(0, f"{source}/tests/support")
from cases import end, here, put, result, run
from resigned import members, openssl, pack, raw_of, resigned, signer

running = {}
ORIGIN = "log.example/shared"


def ask(*arguments):
    return run(hallmark, *arguments)


def start(name, *arguments):
    """A server on a free port; gives its URL."""
    with open(here(name + ".said"), "w") as said:
        running[name] = subprocess.Popen([hallmark, *arguments, "--listen", "127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    for _ in range(200):
        found = re.search(r"on port (\d+)", open(here(name + ".said")).read())
        if found:
            return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.05)
    print(f"Bail out! {name} does not start: {open(here(name + '.said')).read()}")
    sys.exit(1)


def stop(name):
    running[name].terminate()
    running.pop(name).wait()


def body_of(entry, key, how="der", origin=ORIGIN):
    payload, kind = origin.encode() + b"\n" + entry, b"application/vnd.hallmark.log-entry"
    put("pae", b"DSSEv1 %d %s %d " % (len(kind), kind, len(payload)) + payload)
    if how == "ed25519":
        signature = openssl("pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", here("pae"))
    else:
        signature = openssl("dgst", "-sha256", "-sign", key, here("pae"))
        signature = raw_of(signature) if how == "raw" else signature
    spki = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    return b"hallmark add-entry v1\nkey " + base64.b64encode(spki) + b"\nsignature " + base64.b64encode(signature) + b"\n\n" + entry


def post(url, body, path="/add-entry"):
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, data=body, method="POST"), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def get(url, path):
    try:
        with urllib.request.urlopen(url + path, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


try:
    key = signer(here(""), "key", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    edwards = signer(here(""), "edwards", "-algorithm", "ED25519")
    stranger = signer(here(""), "stranger", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    ask("keygen", "--log", ORIGIN, here("log.key"))
    ask("keygen", "--witness", "w.example", here("w"))
    ask("log", "create", here("log"), "--key", here("log.key"))
    vkey = open(here("log.key.pub")).read().strip()
    result(ask("log", "accept", here("log"), "--key", here("log.key"))[0] == 3 and ask("log", "accept", here("log"), "--submitter", key + ".pub")[0] == 3, "who may submit, and the log's key, have to be said")
    put("logs", f"log {vkey}\nquorum none\n")
    witness = start("witness", "witness", "--key", here("w"), "--logs", here("logs"), "--database", here("db"))
    put("policy", f"log {vkey}\nwitness w {open(here('w.pub')).read().strip()} {witness}\nquorum w\n")
    ACCEPT = ["log", "accept", here("log"), "--key", here("log.key"), "--policy", here("policy"), "--submitter", key + ".pub", "--submitter", edwards + ".pub"]
    url = start("accept", *ACCEPT)

    def holds(receipt, entry):
        return ask("log", "verify", put("receipt", receipt), put("entry", entry), "--policy", here("policy"))[0] == 0

    status, receipt = post(url, body_of(b"first", key))
    result(status == 200 and holds(receipt, b"first") and b"\nindex 0\n" in receipt, "an entry is taken, and its receipt holds under the quorum", [status, receipt])
    status, receipt = post(url, body_of(b"second", key, "raw"))
    third = post(url, body_of(b"\x00\xff\n\n third", edwards, "ed25519"))
    result(status == third[0] == 200 and holds(receipt, b"second") and holds(third[1], b"\x00\xff\n\n third"), "so are r and s, Ed25519, and any bytes", [receipt, third])
    empty, longest = post(url, body_of(b"", key)), post(url, body_of(b"x" * 65535, key))
    result(empty[0] == longest[0] == 200 and holds(empty[1], b"") and holds(longest[1], b"x" * 65535), "an empty entry and the longest are")
    again = post(url, body_of(b"first", key))
    result(again[0] == 200 and b"\nindex 0\n" in again[1] and holds(again[1], b"first") and get(url, "/checkpoint")[1].split(b"\n")[1] == b"5", "one that is there already gets the receipt of its place", [again])
    result(get(url, "/tile/0/000.p/5")[0] == 200 and ask("log", "check", url, "--policy", here("policy"))[0] == 0, "the log's files are served, and the whole log holds")

    good, refused = body_of(b"x", key), body_of(b"x", stranger)
    cases = {"another's key": (refused, 403), "signed for another log": (body_of(b"x", key, origin="log.example/other"), 403), "another entry": (good + b"y", 403),
             "a stranger's signature under a known key": (refused.split(b"signature ")[0].replace(refused.split(b"\n")[1], good.split(b"\n")[1]) + b"signature " + refused.split(b"signature ")[1], 403),
             "empty": (b"", 400), "no head": (good[5:], 400), "another head": (good.replace(b"v1", b"v2", 1), 400), "no key": (good.replace(b"key ", b"kye ", 1), 400), "no base64": (good.replace(b"key M", b"key !", 1), 400),
             "no empty line": (good.replace(b"\n\n", b"\n", 1), 400), "a signature of no form": (re.sub(rb"signature [^\n]*", b"signature AAAA", good), 400), "65536 bytes": (body_of(b"x" * 65536, key), 400),
             "more than any body": (good + b"x" * 80000, 413)}
    wrong = [(name, post(url, body)) for name, (body, code) in cases.items()]
    wrong = [(name, answer) for name, answer in wrong if answer[0] != cases[name][1]]
    result(not wrong and get(url, "/checkpoint")[1].split(b"\n")[1] == b"5", f"refused, and nothing is appended ({len(cases)})", wrong)
    result(post(url, good, "/checkpoint")[0] == 404 and get(url, "/add-entry")[0] == 404 and get(url, "/log.key")[0] == 404, "there is nothing else to post to, or to get")

    stop("witness")
    status, why = post(url, body_of(b"unwitnessed", key))
    result(status == 503 and get(url, "/checkpoint")[1].split(b"\n")[1] == b"5", "without its quorum it says so and publishes nothing", [status, why])
    witness = start("witness", "witness", "--key", here("w"), "--logs", here("logs"), "--database", here("db"))
    put("policy", f"log {vkey}\nwitness w {open(here('w.pub')).read().strip()} {witness}\nquorum w\n")
    stop("accept")
    url = start("accept", *ACCEPT)
    status, receipt = post(url, body_of(b"unwitnessed", key))
    result(status == 200 and holds(receipt, b"unwitnessed") and get(url, "/checkpoint")[1].split(b"\n")[1] == b"6", "who asks again after that gets the receipt of its one place", [status, receipt])
    many = [b"%d" % i for i in range(40)]
    answers = [post(url, body_of(e, key)) for e in many]
    result(all(a[0] == 200 for a in answers) and holds(answers[-1][1], many[-1]) and ask("log", "check", url, "--policy", here("policy"))[0] == 0, "40 more are taken, each for itself")
    # A bundle that was made without a log, entered later.
    golden = members(open(f"{source}/tests/golden/v2/sample.hallmark", "rb").read())
    bundle, other = put("bundle.hallmark", pack(resigned(golden, key))), put("other.hallmark", pack(resigned(golden, stranger)))
    ENTER = ["log", "enter", url, "--policy", here("policy")]
    code, said = ask(*ENTER, bundle, "-o", here("entered.hallmark"), "--signer", key)
    rows = ask("verify", here("entered.hallmark"), "--key", key + ".pub", "--log", here("policy"))
    result(code == 0 and rows[0] == 2 and "is entry 46 of log.example/shared, cosigned by w.example" in rows[1] and "FALSE" not in rows[1], "a bundle's attestation is entered, and verify --log takes it", [said, rows])
    code, said = ask(*ENTER, bundle, "-o", here("again.hallmark"), "--signer", key)
    result(code == 0 and "is entry 46 of" in ask("verify", here("again.hallmark"), "--key", key + ".pub", "--log", here("policy"))[1] and get(url, "/checkpoint")[1].split(b"\n")[1] == b"47", "twice, it stands there once", [said])
    codes = [ask(*ENTER, b, "-o", here("none.hallmark"), "--signer", s)[0] for b, s in [(here("entered.hallmark"), key), (bundle, stranger), (other, stranger), (bundle, here("nothing"))]]
    result(codes == [3, 1, 4, 4] and not os.path.exists(here("none.hallmark")), "not one that has a receipt, by a key that did not sign it, by one that may not submit, or by none", [codes])
    code, said = ask("log", "append", here("log"), "--key", here("log.key"), put("x", "x"))
    result(code == 4, "meanwhile nobody else writes the log", [said])
finally:
    for name in list(running):
        stop(name)
end()
