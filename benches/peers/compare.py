#!/usr/bin/env python3
"""Runs Vitesse and its rivals over the workloads, interleaved, and prints ratios of CPU time.

    benches/peers/compare.py [--runs 9] [--mib 64] [--variants plain,shuffled] [--workloads a,b,c,d] [--svg FILE]

CPU time (user and system) is what counts: it repeats within a few percent whatever else runs. Before anything is
timed the outputs of all are compared, value by value. Build first with benches/peers/build, and get the rivals with
benches/peers/install. Those that are slower by far run over a part of the text. At the end: two threads, memory, start.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RUNTIME = os.environ.get("VITESSE_RUNTIME", str(ROOT / "target/runtime/vitesse-runtime"))
TYPED = str(HERE / "sonic/target/release/typed-peer")
WORKLOAD = str(ROOT / "target/release/workload")


TOOLS = ROOT / ".tools/peers"
VRL = TOOLS / "vrl/release/vrl-peer"
PYTHON = TOOLS / "python/bin/python"
PROGRAMS = HERE / "programs"
# How much of the text each takes, so that a run ends within seconds.
PARTS = {"sonic-rs typed": 1, "serde_json typed": 1, "vitesse": 1}
SLOW = 1 / 8
# What a rival has to be beaten by: (plain, shuffled).
BARS = {
    ("sonic-rs typed", "a"): (2.9, 2.2), ("sonic-rs typed", "b"): (2.4, 1.3), ("sonic-rs typed", "c"): (1.65, 1.0),
    ("sonic-rs typed", "d"): (2.5, 2.0), ("VRL", "a"): (15, None), ("VRL", "b"): (13, None), ("VRL", "c"): (10, None),
    ("VRL", "d"): (15, None),
}


def peers(workload, variant, folder):
    mapping = ROOT / f"benches/workloads/{workload}.json"
    if variant == "longkeys":
        # The keys are others, so the mapping is.
        document = json.loads(mapping.read_text())
        for line in document["transformations"]:
            sources = line["source_field"]
            line["source_field"] = long_keys(sources) if isinstance(sources, str) else [long_keys(s) for s in sources]
        mapping = pathlib.Path(folder) / "longkeys.json"
        mapping.write_text(json.dumps(document))
    found = {"vitesse": [RUNTIME, "transform", "--quiet", "--mapping", str(mapping)]}
    # The typed structs know these keys only, need most of them, and read a record a line.
    if variant in ("longkeys", "spaced") or (variant == "optional" and workload != "a"):
        return found
    if os.path.exists(TYPED):
        found["sonic-rs typed"] = [TYPED, "sonic", workload]
        found["serde_json typed"] = [TYPED, "serde", workload]
    if VRL.exists():
        found["VRL"] = [str(VRL), str(PROGRAMS / f"{workload}.vrl")]
    if PYTHON.exists():
        for engine, name in [("duckdb", "DuckDB"), ("polars", "Polars")]:
            if workload != "b":
                # Through a pipe: DuckDB locks what it writes to, and another may hold the null device.
                found[name] = ["sh", "-c", '"$@" | cat', "sh", str(PYTHON), str(PROGRAMS / "frame.py"), engine, workload]
        found["Python + orjson"] = [str(PYTHON), str(PROGRAMS / "peer.py"), workload]
    path = f"{TOOLS}/bin:{os.environ['PATH']}"
    if node := shutil.which("node", path=path):
        found["Node"] = [node, str(PROGRAMS / "peer.js"), workload]
    for name in ("jq", "gojq", "jaq"):
        if binary := shutil.which(name, path=path):
            found[name] = [binary, "-c", "-f", str(PROGRAMS / f"{workload}.jq")]
    return found


def long_keys(path):
    return re.sub(r"[A-Za-z_][A-Za-z0-9_]*", r"\g<0>_with_a_name_that_is_longer_than_a_register", path)


def run(command, data, out):
    """CPU seconds of one run."""
    with open(data, "rb") as stdin, open(out, "wb") as stdout:
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout)
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command} failed: {status}")
    return usage.ru_utime + usage.ru_stime


def values(path):
    with open(path, "rb") as lines:
        # Text and number forms differ between peers (12.50 and 12.5); values may not.
        return [there(json.loads(line)) for line in lines]


def there(value):
    """Frames write null for what is missing, and typed structs an empty object around fields that are all missing; no
    workload maps a null or something empty, so they say nothing."""
    if isinstance(value, dict):
        inner = {key: there(inner) for key, inner in value.items()}
        return {key: kept for key, kept in inner.items() if kept not in (None, {}, [])}
    return [there(inner) for inner in value] if isinstance(value, list) else value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--mib", type=int, default=64)
    parser.add_argument("--variants", default="plain,shuffled")
    parser.add_argument("--workloads", default="a,b,c,d")
    parser.add_argument("--peers", default="")
    parser.add_argument("--svg")
    options = parser.parse_args()
    table = []
    with tempfile.TemporaryDirectory() as folder:
        for variant in options.variants.split(","):
            for workload in options.workloads.split(","):
                data, small, out = (f"{folder}/{name}" for name in ("data", "small", "out"))
                with open(data, "wb") as file:
                    subprocess.run([WORKLOAD, workload, variant, str(options.mib)], stdout=file, check=True)
                size = os.path.getsize(data)
                with open(data, "rb") as whole, open(small, "wb") as part:
                    part.writelines(line for line, _ in zip(whole, range(2000)))
                tenth = f"{folder}/part"
                with open(data, "rb") as whole, open(tenth, "wb") as part:
                    left = size * SLOW
                    for line in whole:
                        left -= part.write(line)
                        if left <= 0:
                            break
                found = peers(workload, variant, folder)
                shares = {name: PARTS.get(name, os.path.getsize(tenth) / size) for name in found}
                if options.peers:
                    wanted = ["vitesse", *options.peers.split(",")]
                    found = {name: command for name, command in found.items() if name in wanted}
                expected = None
                for name, command in found.items():
                    run(command, small, out)
                    made = values(out)
                    if expected is None:
                        expected = made
                    elif made != expected:
                        at = next(i for i, (a, b) in enumerate(zip(made, expected)) if a != b)
                        sys.exit(f"{name} differs on {workload} {variant}, record {at + 1}:\n{made[at]}\n{expected[at]}")
                times = {name: [] for name in found}
                for _ in range(options.runs):
                    for name, command in found.items():
                        seconds = run(command, data if shares[name] == 1 else tenth, "/dev/null")
                        times[name].append(seconds / shares[name])
                for name in found:
                    ratios = [peer / ours for peer, ours in zip(times[name], times["vitesse"])]
                    row = (variant, workload, name, size / 1e6 / statistics.median(times[name]), statistics.median(ratios))
                    table.append(row)
                    bar = BARS.get((name, workload), (None, None))[variant == "shuffled"] if variant in ("plain", "shuffled") else None
                    verdict = "" if bar is None else f"  bar {bar}x: {'met' if row[4] >= bar else 'MISSED'}"
                    print(f"{variant:9} {workload} {name:18} {row[3]:7.0f} MB/s  vitesse is {row[4]:6.2f}x{verdict}", flush=True)
        more(folder, options)
    if options.svg:
        pathlib.Path(options.svg).write_text(svg([row for row in table if row[0] == "plain"]))


def timed(command):
    """Seconds by the clock, and of the processors, of one run."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime


def peak(command):
    """The greatest resident memory of a run, in KiB."""
    most = 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    # What the kernel reports at the end counts the parent too, so it is asked while the process runs.
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            if "vitesse" in status.split("\n", 1)[0]:
                most = max(most, int(re.search(r"VmHWM:\s+(\d+)", status)[1]))
        except (OSError, TypeError):
            pass
        time.sleep(0.005)
    return most


def more(folder, options):
    """Two threads against one, memory, and the start."""
    data = f"{folder}/threads"
    with open(data, "wb") as file:
        # Long enough that starting two threads and noise of milliseconds don't count.
        subprocess.run([WORKLOAD, "a", "plain", str(max(options.mib, 512))], stdout=file, check=True)
    os.sync()  # or the kernel writes it to disk with the second processor
    command = peers("a", "plain", folder)["vitesse"] + ["--input", data]
    walls, cpus = [], []
    for _ in range(9):
        (wall_one, cpu_one), (wall_two, cpu_two) = (timed([*command, "--threads", threads]) for threads in ("1", "2"))
        walls.append(wall_one / wall_two)
        cpus.append(cpu_two / cpu_one)
    memory = peak([*command, "--threads", "2"])
    starts = []
    one = f"{folder}/one"
    with open(data, "rb") as whole, open(one, "wb") as first:
        first.write(whole.readline())
    for _ in range(21):
        starts.append(run(peers("a", "plain", folder)["vitesse"], one, "/dev/null"))
    print(f"two threads: wall {statistics.median(walls):.2f}x faster (bar 1.6), "
          f"CPU {statistics.median(cpus):.2f}x of one (bar 1.15), on {os.cpu_count()} processors")
    print(f"peak memory: {memory / 1024:.1f} MB (bar 12)")
    print(f"start, one record, end: {statistics.median(starts) * 1000:.1f} ms CPU (bar 3)")


def svg(rows):
    """Bars of throughput, one group a workload."""
    height, top = 18, max(row[3] for row in rows)
    lines, y = [], 30
    for workload in sorted({row[1] for row in rows}):
        lines.append(f'<text x="10" y="{y}" font-weight="bold">workload {workload.upper()}</text>')
        y += 8
        for row in (row for row in rows if row[1] == workload):
            colour = "#2563eb" if row[2] == "vitesse" else "#94a3b8"
            width = max(1, row[3] / top * 480)
            lines.append(f'<rect x="150" y="{y}" width="{width:.0f}" height="13" fill="{colour}"/>')
            lines.append(f'<text x="10" y="{y + 11}">{row[2]}</text>')
            lines.append(f'<text x="{156 + width:.0f}" y="{y + 11}">{row[3]:.0f} MB/s</text>')
            y += height
        y += 24
    body = "\n".join(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {y}" font-family="sans-serif" font-size="12">\n'
        f"<title>Megabytes of input transformed per second of CPU time</title>\n{body}\n</svg>\n"
    )


if __name__ == "__main__":
    main()
