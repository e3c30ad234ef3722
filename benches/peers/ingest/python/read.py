"""`read.py TOOL FILE RUNS`: the same figures for readers in Python."""

import json
import resource
import sys
import time


def reader(tool, file):
    text = open(file, "rb").read()
    if tool == "json.loads":
        return lambda: json.loads(text)
    if tool == "prance":
        from prance.util.resolver import RefResolver

        def resolve():
            resolver = RefResolver(json.loads(text), url="file:///x.json", recursion_limit_handler=lambda *_: {})
            resolver.resolve_references()
            return resolver.specs

        return resolve
    if tool == "openapi-core":
        from openapi_core import OpenAPI

        return lambda: OpenAPI.from_dict(json.loads(text))
    raise SystemExit(f"there is no reader {tool}")


def main():
    tool, file, runs = sys.argv[1:]
    best = float("inf")
    try:
        read = reader(tool, file)
        for _ in range(int(runs)):
            start = time.process_time()
            read()
            best = min(best, time.process_time() - start)
    except Exception as error:  # whatever a reader can't do is a figure too
        print("- -", type(error).__name__, str(error)[:60].replace("\n", " "))
        return
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.024e-3
    print(f"{best * 1e3:.2f} {peak:.1f}")


main()
