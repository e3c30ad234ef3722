#!/usr/bin/env python3
"""Fits the weights of the mapper, and says what they are worth on providers they haven't seen. See README.md beside it.

usage: fit.py MAPPING WEIGHTS.RS FOLDER...     (the program `mapping` of the benches, the file to write, cases)
       fit.py MAPPING - FOLDER...              (only say what they are worth)
"""
import collections, json, os, re, subprocess, sys, tempfile

import numpy as np
from scipy.optimize import minimize

RIGHT, STANDS_FOR, PAIR, RELATIONS, SIGNS = range(5)  # where they are in what the program says of a pair
FOLDS = 7
# Confidence is fitted where a pair could be a line.
WORTH = -1500
# The project's own cases are complete; what people build leaves out more. So in confidence theirs count for more.
OWN, OWN_COUNTS = "benches/cases/mapping", 0.05
# Which way each kind of evidence may count: more of it must not make a pair less likely, or the reverse.
AGAINST = {"aspects", "kinds", "digits", "more_lists", "fewer_lists", "deeper", "generated", "plain_apart",
           "dest_taken", "source_taken", "both_listed", "both_listed_deep", "into_list",
           "list_taken"}
# What is said about fields counts for something, though few of the cases' fields are described on both sides.
EXPECTED = {"description": 1.0}
EITHER = {"shallower", "both_top", "required", "around"}


def logistic(x, y, stands_for, names, strength, prior=None):
    """Weights and base of a logistic model, pulled towards zero, each with the sign it must have."""
    prior = np.array([EXPECTED.get(name, 0.0) for name in names]) if prior is None else prior

    def cost(theta):
        z = x @ theta[1:] + theta[0]
        loss = (stands_for * (np.logaddexp(0, z) - y * z)).sum() + strength * ((theta[1:] - prior) ** 2).sum()
        error = stands_for * (1 / (1 + np.exp(-z)) - y)
        return loss, np.concatenate([[error.sum()], x.T @ error + 2 * strength * (theta[1:] - prior)])

    bounds = [(None, None)] + [
        (None, 0) if name in AGAINST else (None, None) if name in EITHER else (0, None) for name in names]
    start = np.concatenate([[-2.0], prior])
    found = minimize(cost, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 300})
    return found.x[1:], found.x[0]


def whole(values):
    return [int(round(1000 * float(value))) for value in np.atleast_1d(values)]


class Program:
    def __init__(self, path, folders):
        self.path, self.folders = path, folders

    def run(self, what, weights):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(weights, file)
            file.flush()
            out = {}
            for folder in self.folders:
                answer = json.loads(subprocess.run([self.path, what, folder, file.name], check=True, capture_output=True).stdout)
                self.names = answer.get("names", getattr(self, "names", None))
                for case, found in answer.get("cases", answer).items():
                    out[folder + ":" + case] = found
            return out


def stack(looks, cases, part):
    rows = [(look[part], look[RIGHT], look[STANDS_FOR]) for case in cases for look in looks[case]["looks"]]
    return tuple(np.array(column, float) / by for column, by in zip(zip(*rows), (1000, 1, 1)))


def fit(program, cases, start):
    """Weights fitted on some of the cases only."""
    weights = json.loads(json.dumps(start))
    looks = program.run("looks", weights)
    pair, base = logistic(*stack(looks, cases, PAIR), program.names["pair"], 2.0)
    weights["pair"], weights["pair_base"] = whole(pair), whole(base)[0]
    weights["beside"] = [0, 0, 0]
    looks = program.run("looks", weights)
    x, y, n = stack(looks, cases, RELATIONS)
    names = program.names["relations"]
    columns = [names.index(name) for name in ("alone", "neighbours", "neighbours_share", "list_taken")]
    beside, _ = logistic(x[:, columns], y, n, [names[c] for c in columns], 1.0)
    weights["beside"] = whole(beside[1:] / max(beside[0], 0.1))
    looks = program.run("looks", weights)
    x, y, n = stack(looks, cases, RELATIONS)
    line, base = logistic(x, y, n, names, 1.0)
    weights["line"], weights["line_base"] = whole(line), whole(base)[0]
    weights["sure"], weights["sure_base"] = [1000] + [0] * (len(program.names["signs"]) - 1), 0
    return weights


def sure(program, seen):
    """How scores, and where pairs are, become shares of right lines."""
    signs, right, stands_for = zip(*[row for row in seen if row[0][0] >= WORTH])
    names = program.names["signs"]
    x = np.array(signs, float) / 1000
    # What lists in lists are worth is expected to be like what lists are, where too few cases have them.
    prior = np.array([1.0, -1.0, -1.0, -0.5])
    found, base = logistic(x, np.array(right, float), np.array(stands_for, float), names, 1.0, prior)
    return {"sure": whole(found), "sure_base": whole(base)[0]}


def providers(case):
    """Whose APIs a case is about: the names in it that aren't what it is about."""
    kinds = set("""panora crm ecommerce nango company contact deal task engagement customer order product account hr
        employee person timeoff ats candidate opportunity job ticketing issue task files accounting invoice expense
        engagement prospect cadence shop receipt calendar people marketing lead support to unified""".split())
    found = [word for word in case.split(":")[-1].split("-") if word not in kinds]
    return found or [case]


def report(name, answers):
    right = sum(a["count"][0] for a in answers); wrong = sum(a["count"][1] for a in answers); missing = sum(a["count"][2] for a in answers)
    p, r = right / max(1, right + wrong), right / max(1, right + missing)
    lines = [line for a in answers for line in a["lines"] if line[3] >= 0]
    error = sum(abs(sum(c for _, _, c, _ in b) - sum(v for *_, v in b)) for b in
                ([line for line in lines if min(9, int(line[2] * 10)) == i] for i in range(10))) / max(1, len(lines))
    sure = [line for line in lines if line[2] >= 0.9]
    good = sum(v for *_, v in sure)
    print(f"{name:<34} P {p:.3f}  R {r:.3f}  F1 {2 * p * r / max(1e-9, p + r):.3f}  calibration error {error:.3f}  "
          f">=0.9: {good / max(1, len(sure)):.3f} covering {good / max(1, right + missing):.3f}  "
          f"refused {sum(a['refused'] for a in answers)}/{len(answers)}", flush=True)


def folds(program, cases, groups, start):
    """Each case answered with weights that were fitted without its group; and the scores it saw."""
    answers, scores, used = {}, {}, {}
    names = sorted({groups(case)[0] for case in cases})
    for group in range(FOLDS):
        apart = set(names[group::FOLDS])
        test = [case for case in cases if groups(case)[0] in apart]
        train = [case for case in cases if not apart & set(groups(case))]
        weights = fit(program, train, start)
        looks = program.run("looks", weights)
        for case in test:
            used[case] = (group, weights)
            counts = OWN_COUNTS if case.split(":")[0].rstrip("/").endswith(OWN) else 1.0
            scores[case] = [(look[SIGNS], look[RIGHT], look[STANDS_FOR] * counts) for look in looks[case]["looks"]]
    # The confidence of a group is fitted on the scores of the other groups.
    for group in sorted({group for group, _ in used.values()}):
        others = [s for case, (g, _) in used.items() if g != group for s in scores[case]]
        weights = next(w for g, w in used.values() if g == group)
        weights.update(sure(program, others))
        found = program.run("lines", weights)
        answers.update({case: found[case] for case, (g, _) in used.items() if g == group})
    return answers, [s for case in scores for s in scores[case]]


def rust(weights):
    return "".join(f"        {name}: {value},\n" for name, value in weights.items())


def main(program, target, *folders):
    program = Program(program, folders)
    looks = json.loads(subprocess.run([program.path, "looks", folders[-1]], check=True, capture_output=True).stdout)
    pair, relations = (looks["names"][part] for part in ("pair", "relations"))
    start = {"pair_base": -4500, "pair": [0 if name in AGAINST or name in EITHER else 1000 for name in pair],
             "beside": [0, 0, 0], "line_base": 0, "line": [1000] + [0] * (len(relations) - 1),
             "sure_base": 0, "sure": [1000] + [0] * (len(looks["names"]["signs"]) - 1)}
    cases = sorted(program.run("lines", start))
    answers, scores = folds(program, cases, providers, start)
    report("without the provider", [answers[case] for case in cases])
    corpora = sorted({case.split(":")[0] for case in cases})
    for corpus in corpora:
        report("  " + corpus, [answers[case] for case in cases if case.startswith(corpus + ":")])
    if os.environ.get("PER_CASE"):
        json.dump(answers, open(os.environ["PER_CASE"], "w"))
    if len(corpora) > 1 and target == "-":
        for corpus in corpora:
            weights = fit(program, [case for case in cases if not case.startswith(corpus + ":")], start)
            weights.update(sure(program, scores))
            found = program.run("lines", weights)
            report("fitted without all of " + corpus, [found[case] for case in cases if case.startswith(corpus + ":")])
    weights = fit(program, cases, start)
    weights.update(sure(program, scores))
    found = program.run("lines", weights)
    report("in sight of all", [found[case] for case in cases])
    for part in ("pair", "relations"):
        names, values = program.names[part], weights["pair" if part == "pair" else "line"]
        print(" ", ", ".join(f"{name} {value}" for name, value in zip(names, values)))
    print("  beside", weights["beside"], "bases", weights["pair_base"], weights["line_base"])
    print("  sure", weights["sure_base"], ", ".join(f"{a} {b}" for a, b in zip(program.names["signs"], weights["sure"])))
    if target != "-":
        text = open(target).read()
        before, body = text.split("BUILTIN: Self = Self {", 1)
        after = body.split("};", 1)[1]
        open(target, "w").write(before + "BUILTIN: Self = Self {\n" + rust(weights) + "    };" + after)
    return weights


if __name__ == "__main__":
    main(*sys.argv[1:])
