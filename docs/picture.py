#!/usr/bin/env python3
"""Draws what `vitesse demo` prints, for the README: `make picture`, or docs/picture.py [VITESSE] > docs/src/demo.svg

The demonstration is run, its words and colours are drawn as they came. Long tables and lists are shortened, and a line of `…`
stands where something was left out.
"""

import html
import re
import subprocess
import sys

COLUMNS = 104
WIDE, HIGH = 7.83, 17
COLOURS = {"31": "#ff7b72", "32": "#56d364", "33": "#e3b341", "36": "#76e3ea"}


def runs(line):
    """The parts of a line with their colour and weight."""
    colour, bold = None, False
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if not code:
            if part:
                yield part, colour, bold
            continue
        for number in code[1].split(";"):
            if number in ("", "0"):
                colour, bold = None, False
            elif number == "1":
                bold = True
            else:
                colour = COLOURS.get(number, colour)


def shortened(lines):
    """Of a mapping its first lines and its conversions, of the records that were set aside one of each kind; not the one at the end."""
    row, told, left_out = 0, set(), False
    for line in lines:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
        if plain.startswith("One customer"):
            break
        row = row + 1 if plain.startswith(" ") else 0
        if " → " in plain and row > 4 and not re.search(r"\w →", plain):
            left_out = True
            continue
        reason = re.search(r"^  (?:customers|orders) \S+: (it is|it refers|HTTP)", plain)
        if reason and reason[1] in told:
            left_out = True
            continue
        if left_out and row == 0:
            yield "   …"
            left_out = False
        told.update(reason.groups() if reason else ())
        yield line
    if left_out:
        yield "   …"


def drawn(lines):
    height = int(HIGH * len(lines) + 54)
    width = int(COLUMNS * WIDE + 32)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    yield ' aria-label="What vitesse demo prints: two APIs, a mapping, a test that finds an issue, a deployment, 2,991 records moved">'
    yield f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>'
    for at, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        yield f'<circle cx="{18 + at * 18}" cy="18" r="5.5" fill="{colour}"/>'
    yield '<g font-family="\'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-size="13" fill="#c9d1d9">'
    for at, line in enumerate(lines):
        column = 0
        for text, colour, bold in runs(line):
            text = text[: COLUMNS - column - 1] + "…" if column + len(text) > COLUMNS else text
            bare = text.lstrip(" ")
            x = 16 + (column + len(text) - len(bare)) * WIDE
            style = (f' fill="{colour}"' if colour else "") + (' font-weight="bold" fill="#f0f6fc"' if bold and not colour else "")
            style += ' font-weight="bold"' if bold and colour else ""
            length = len(bare.rstrip(" ")) * WIDE
            if bare.strip():
                yield (
                    f'<text x="{x:.1f}" y="{52 + at * HIGH}" xml:space="preserve" textLength="{length:.1f}"{style}>'
                    f"{html.escape(bare.rstrip(' '))}</text>"
                )
            column += len(text)
            if column >= COLUMNS:
                break
    yield "</g>\n</svg>"


def main():
    vitesse = sys.argv[1] if len(sys.argv) > 1 else "target/demo/vitesse"
    said = subprocess.run([vitesse, "demo", "--color", "always"], check=True, capture_output=True, text=True).stdout
    lines = ["\x1b[32m$\x1b[0m vitesse demo", *shortened(said.splitlines())]
    print("\n".join(drawn([line.rstrip() for line in lines])).rstrip())


if __name__ == "__main__":
    main()
