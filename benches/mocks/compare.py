#!/usr/bin/env python3
"""Sends the same requests to `vitesse mock` and to Prism, and compares what each takes and refuses.

    benches/mocks/compare.py [--speed]

Needs npm, and the command as `make bench-mocks` builds it. Prism is installed into target/ once. Ends with 1 if a
request is taken by one and refused by the other for a reason that isn't in EXPLAINED.
"""

import base64
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "target" / "mocks"
VITESSE = pathlib.Path(os.environ.get("VITESSE", ROOT / "target" / "release" / "vitesse"))
PRISM = "@stoplight/prism-cli@5.14.2"

KEY = {"X-Shop-Key": "k"}
BEARER = {"Authorization": "Bearer t"}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=b"}
UUID = "0b7bd4b5-2d1f-4d5a-9d59-3a7a3dcd0a05"


def parts(**fields):
    texts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    return "".join(texts) + "--b--\r\n"


def contact(**more):
    return json.dumps({"email_address": "ada@example.com", "family_name": "Lovelace", **more})


def thing(**more):
    return json.dumps({"name": "a", "count": 1, **more})


# (description, method, target, headers, body)
CASES = [
    *[("examples/apis/shop.yaml", *case) for case in [
        ("GET", "/customers", KEY, None),
        ("GET", "/customers", {}, None),
        ("GET", "/customers", {"X-Shop-Key": ""}, None),
        ("GET", "/customers", {"Authorization": "Bearer t"}, None),
        ("GET", "/customers?limit=10", KEY, None),
        ("GET", "/customers?limit=0", KEY, None),
        ("GET", "/customers?limit=251", KEY, None),
        ("GET", "/customers?limit=ten", KEY, None),
        ("GET", "/customers?limit=", KEY, None),
        ("GET", "/customers?limit=1.5", KEY, None),
        ("GET", "/customers?limit=1&limit=2", KEY, None),
        ("GET", "/customers?after=nonsense", KEY, None),
        ("GET", "/customers?updated_since=2026-01-01T00:00:00Z", KEY, None),
        ("GET", "/customers?updated_since=2026-01-01T00:00:00%2B02:00", KEY, None),
        ("GET", "/customers?updated_since=2026-01-01", KEY, None),
        ("GET", "/customers?updated_since=yesterday", KEY, None),
        ("GET", "/customers?unknown=1", KEY, None),
        ("GET", "/customers/", KEY, None),
        ("GET", "/customers/cus_8Kq2", KEY, None),
        ("GET", "/customers/a%2Fb", KEY, None),
        ("GET", "/orders?status=paid", KEY, None),
        ("GET", "/orders?status=lost", KEY, None),
        ("GET", "/orders?status=PAID", KEY, None),
        ("POST", "/orders", KEY, None),
        ("DELETE", "/customers/1", KEY, None),
        ("GET", "/nowhere", KEY, None),
        ("GET", "/products", {**KEY, "Accept": "application/json"}, None),
        ("GET", "/products", {**KEY, "Accept": "text/html"}, None),
        ("GET", "/products", {**KEY, "Accept": "text/html, */*;q=0.1"}, None),
        ("GET", "/customers/1", {**KEY, "Prefer": "code=404"}, None),
        ("GET", "/customers", {**KEY, "Prefer": "code=429"}, None),
        ("GET", "/customers", {**KEY, "Prefer": "code=418"}, None),
        ("HEAD", "/products", KEY, None),
    ]],
    *[("examples/apis/crm.json", *case) for case in [
        ("GET", "/contacts", BEARER, None),
        ("GET", "/contacts", {}, None),
        ("GET", "/contacts", {"Authorization": "Basic dTpw"}, None),
        ("GET", "/contacts", {"Authorization": "Bearer"}, None),
        ("GET", "/contacts?page=2&per_page=100", BEARER, None),
        ("GET", "/contacts?page=0", BEARER, None),
        ("GET", "/contacts?per_page=101", BEARER, None),
        ("POST", "/contacts", {**BEARER, **JSON}, contact()),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(given_name="Ada", labels=["a"], phone_number=None)),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(unknown=1)),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(given_name="x" * 81)),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(given_name=None)),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(labels="a")),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(email_address="nobody")),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(address={"country": "NOR"})),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(lifetime_value_cents="12")),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(lifetime_value_cents=12.5)),
        ("POST", "/contacts", {**BEARER, **JSON}, contact(lifetime_value_cents=12.0)),
        ("POST", "/contacts", {**BEARER, **JSON}, '{"email_address": "ada@example.com"}'),
        ("POST", "/contacts", {**BEARER, **JSON}, "{}"),
        ("POST", "/contacts", {**BEARER, **JSON}, "[]"),
        ("POST", "/contacts", {**BEARER, **JSON}, "{"),
        ("POST", "/contacts", {**BEARER, **JSON}, None),
        ("POST", "/contacts", BEARER, contact()),
        ("POST", "/contacts", {**BEARER, "Content-Type": "application/json; charset=utf-8"}, contact()),
        ("POST", "/contacts", {**BEARER, "Content-Type": "application/xml"}, "<contact/>"),
        ("POST", "/contacts", {**BEARER, **JSON, "Idempotency-Key": "k" * 64}, contact()),
        ("POST", "/contacts", {**BEARER, **JSON, "Idempotency-Key": "k" * 65}, contact()),
        ("POST", "/contacts", JSON, contact()),
        ("GET", f"/contacts/{UUID}", BEARER, None),
        ("GET", "/contacts/7", BEARER, None),
        ("PATCH", f"/contacts/{UUID}", {**BEARER, **JSON}, contact(given_name="Ada")),
        ("PATCH", f"/contacts/{UUID}", {**BEARER, **JSON}, "{}"),
        ("DELETE", f"/contacts/{UUID}", BEARER, None),
        ("PUT", f"/contacts/{UUID}", {**BEARER, **JSON}, contact()),
    ]],
    *[("benches/mocks/forms.yaml", *case) for case in [
        ("GET", "/form?p=1&p=2", {}, None),
        ("GET", "/form?p=1&p=x", {}, None),
        ("GET", "/form?p=1", {}, None),
        ("GET", "/form", {}, None),
        ("GET", "/comma?p=1,2", {}, None),
        ("GET", "/comma?p=1,x", {}, None),
        ("GET", "/space?p=1%202", {}, None),
        ("GET", "/space?p=1%20x", {}, None),
        ("GET", "/pipe?p=1%7C2", {}, None),
        ("GET", "/pipe?p=1%7Cx", {}, None),
        ("GET", "/deep?p[a]=1&p[b]=x", {}, None),
        ("GET", "/deep?p[b]=x", {}, None),
        ("GET", "/deep?p[a]=x", {}, None),
        ("GET", "/enum?p=a", {}, None),
        ("GET", "/enum?p=c", {}, None),
        ("GET", "/date?p=2026-02-30T00:00:00Z", {}, None),
        ("GET", "/bool?p=true", {}, None),
        ("GET", "/bool?p=1", {}, None),
        ("GET", "/bool?p=TRUE", {}, None),
        ("GET", "/int32?p=2147483647", {}, None),
        ("GET", "/int32?p=2147483648", {}, None),
        ("GET", "/header", {"X-Count": "5"}, None),
        ("GET", "/header", {"X-Count": "6"}, None),
        ("GET", "/header", {"X-Count": "x"}, None),
        ("GET", "/header", {}, None),
        ("GET", "/header-list", {"X-List": "1,2"}, None),
        ("GET", "/header-list", {"X-List": "1, 2"}, None),
        ("GET", "/header-list", {"X-List": "1,x"}, None),
        ("GET", "/cookie", {"Cookie": "visit=3"}, None),
        ("GET", "/cookie", {"Cookie": "visit=x"}, None),
        ("GET", "/cookie", {}, None),
        ("GET", "/path/1", {}, None),
        ("GET", "/path/0", {}, None),
        ("GET", "/path/x", {}, None),
        ("GET", "/label/.5", {}, None),
        ("GET", "/label/.x", {}, None),
        ("GET", "/matrix/;n=5", {}, None),
        ("GET", "/matrix/;n=x", {}, None),
        ("GET", "/words/fixed", {}, None),
        ("GET", "/words/four", {}, None),
        ("GET", "/words/fives", {}, None),
        ("POST", "/body", JSON, thing()),
        ("POST", "/body", JSON, thing(email="a@b.example", tags=["a", "b"], kind="big")),
        ("POST", "/body", JSON, thing(email="nobody")),
        ("POST", "/body", JSON, thing(tags=["a", "b", "c"])),
        ("POST", "/body", JSON, thing(tags=["a", "a"])),
        ("POST", "/body", JSON, thing(kind=None)),
        ("POST", "/body", JSON, thing(kind="middle")),
        ("POST", "/body", JSON, thing(name="")),
        ("POST", "/body", JSON, thing(id=7)),
        ("POST", "/body", FORM, "name=a&count=1"),
        ("POST", "/body", FORM, "name=a&count=x"),
        ("POST", "/body", FORM, "name=a"),
        ("POST", "/body", PARTS, parts(name="a", count="1")),
        ("POST", "/body", PARTS, parts(name="a", count="x")),
        ("POST", "/body", PARTS, parts(name="a")),
        ("POST", "/body", {"Content-Type": "text/csv"}, "a,b"),
        ("POST", "/closed", JSON, '{"a": 1}'),
        ("POST", "/closed", JSON, '{"a": true}'),
        ("POST", "/closed", JSON, '{"a": "x"}'),
        ("POST", "/closed", JSON, '{"b": 1}'),
        ("POST", "/closed", JSON, '{"id": 1}'),
        ("POST", "/closed", {}, None),
        ("POST", "/text", {"Content-Type": "text/plain"}, "short"),
        ("POST", "/text", {"Content-Type": "text/plain"}, "longer"),
    ]],
]

# Where one takes what the other refuses, and why. By method and target, and a piece of the body where it matters.
EXPLAINED = json.loads((pathlib.Path(__file__).parent / "explained.json").read_text())


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nothing listens on {port}")


def prism():
    found = HOME / "node_modules" / ".bin" / "prism"
    if not found.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", HOME, PRISM], check=True)
    return found


def ask(port, method, target, headers, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, target, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def reason(body):
    try:
        form = json.loads(body)
    except ValueError:
        return ""
    detail = form.get("detail", "") if isinstance(form, dict) else ""
    if isinstance(form, dict) and form.get("validation"):
        detail = "; ".join(one.get("message", "") for one in form["validation"])
    return detail


def compare():
    ours, theirs, rows = {}, {}, []
    running = []
    try:
        for spec in sorted({case[0] for case in CASES}):
            ours[spec], theirs[spec] = free_port(), free_port()
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            running.append(subprocess.Popen([VITESSE, "mock", ROOT / spec, "--port", str(ours[spec]), "-q"], **quiet))
            running.append(subprocess.Popen([prism(), "mock", ROOT / spec, "-p", str(theirs[spec])], **quiet))
        for port in [*ours.values(), *theirs.values()]:
            wait_for(port)
        for spec, *request in CASES:
            rows.append((spec, request, ask(ours[spec], *request), ask(theirs[spec], *request)))
        if "--speed" in sys.argv:
            speed("vitesse mock", ours["examples/apis/shop.yaml"])
            speed("prism", theirs["examples/apis/shop.yaml"])
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
    return rows


def speed(name, port, seconds=5, connections=8):
    """Requests a second over `connections` kept connections, by as many threads."""
    counts, stop = [0] * connections, time.time() + seconds
    request = b"GET /customers?limit=10 HTTP/1.1\r\nhost: x\r\nx-shop-key: k\r\n\r\n"

    def call(n):
        with socket.create_connection(("127.0.0.1", port)) as s, s.makefile("rb") as answers:
            while time.time() < stop:
                s.sendall(request)
                length = None
                while (line := answers.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                answers.read(length)
                counts[n] += 1

    threads = [threading.Thread(target=call, args=(n,)) for n in range(connections)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    print(f"{name}: {sum(counts) / seconds:.0f} requests a second (GET /customers?limit=10, {connections} connections)")


def explanation(request):
    method, target, headers, body = request
    text = f"{method} {target} {json.dumps(headers)} {body or ''}"
    return next((why for piece, why in EXPLAINED.items() if piece in text), None)


def main():
    rows = compare()
    same_status = sum(a[0] == b[0] for _, _, a, b in rows)
    agree, unexplained = 0, 0
    print("| request | vitesse | prism | why |\n|---|---|---|---|")
    for _, request, (own, own_body), (other, other_body) in rows:
        if (own < 400) == (other < 400):
            agree += 1
            continue
        why = explanation(request)
        unexplained += why is None
        body = f" `{request[3]}`" if request[3] else ""
        print(f"| `{request[0]} {request[1]}`{body} | {own} | {other} | {why or 'UNEXPLAINED ' + reason(own_body) + ' / ' + reason(other_body)} |")
    print(f"\n{len(rows)} requests: {agree} taken or refused by both, {len(rows) - agree} by one only "
          f"({unexplained} unexplained); the same status for {same_status}")
    if "--all" in sys.argv:
        for _, request, (own, own_body), (other, other_body) in rows:
            if own != other:
                print(own, other, *request[:2], request[3] or "", "|", reason(own_body), "|", reason(other_body)[:150])
    sys.exit(1 if unexplained else 0)


main()
