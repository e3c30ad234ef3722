#!/usr/bin/env python3
"""Runs Vitesse and its rivals over the workloads, interleaved, and prints ratios of CPU time.

    benches/peers/compare.py [--runs 9] [--mib 64] [--variants plain,shuffled] [--workloads a,b,c,d] [--svg FILE]

CPU time (user and system) is what counts: it repeats within a few percent whatever else runs. Before anything is
timed the outputs of all are compared, value by value. Build first with benches/peers/build.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RUNTIME = os.environ.get("VITESSE_RUNTIME", str(ROOT / "target/runtime/vitesse-runtime"))
TYPED = str(HERE / "sonic/target/release/typed-peer")
WORKLOAD = str(ROOT / "target/release/workload")


def peers(workload):
    mapping = str(ROOT / f"benches/workloads/{workload}.json")
    found = {"vitesse": [RUNTIME, "transform", "--quiet", "--mapping", mapping]}
    if os.path.exists(TYPED):
        found["sonic-rs typed"] = [TYPED, "sonic", workload]
        found["serde_json typed"] = [TYPED, "serde", workload]
    jq = HERE / f"programs/{workload}.jq"
    for name in ("jq", "gojq", "jaq"):
        if jq.exists() and shutil.which(name):
            found[name] = [name, "-c", "-f", str(jq)]
    return found


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
        return [json.loads(line) for line in lines]


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
                found = peers(workload)
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
                        times[name].append(run(command, data, "/dev/null"))
                for name in found:
                    ratios = [peer / ours for peer, ours in zip(times[name], times["vitesse"])]
                    row = (variant, workload, name, size / 1e6 / statistics.median(times[name]), statistics.median(ratios))
                    table.append(row)
                    print(f"{variant:9} {workload} {name:18} {row[3]:7.0f} MB/s  vitesse is {row[4]:6.2f}x", flush=True)
    if options.svg:
        pathlib.Path(options.svg).write_text(svg([row for row in table if row[0] == "plain"]))


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
