"""Compares Taxon's metrics with scikit-learn's on random
predictions: ties, absent classes, constant predictions, one class, samples without labels.

Use: metrics.py PEER_METRICS   (the program built from peer_metrics.cpp)
Exit code 77: scikit-learn is not installed.
"""
import csv, json, math, os, re, subprocess, sys, tempfile, warnings

try:
    import numpy as np
    import sklearn.metrics as sk

    import metrics_expected
except ImportError as error:
    print("SKIPPED:", error)
    sys.exit(77)

warnings.simplefilter("ignore")
PEER = sys.argv[1]
compared = 0


def taxon(path, kind, *text):
    return subprocess.run([PEER, path, kind, *text], check=True, capture_output=True, text=True).stdout


def same(what, got, expected, tolerance=1e-12):
    global compared
    compared += 1
    if expected is None or got is None:
        ok = got is None and expected is None
    else:
        ok = math.isclose(got, expected, rel_tol=tolerance, abs_tol=tolerance)
    if not ok:
        sys.exit(f"FAILED: {what}: Taxon {got}, expected {expected}")


def write(path, header, rows):
    with open(path, "w", newline="") as f:
        csv.writer(f).writerows([header, *rows])


def agree(what, got, expected):
    """Every figure of `expected`; F-beta is written only where one was asked for."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            if key != "fbeta":
                agree(f"{what} {key}", got[key], value)
    elif isinstance(expected, list):
        assert len(got) == len(expected), what
        for i, value in enumerate(expected):
            agree(f"{what} {i}", got[i], value)
    else:
        same(what, got, expected, 1e-9)


def alike(text, expected):
    """The same layout; a number may round the other way where its next digits are 5000..."""
    number = re.compile(r"\d\.\d{4}")
    return number.sub("#", text) == number.sub("#", expected) and all(
        abs(float(a) - float(b)) < 1.5e-4 for a, b in zip(number.findall(text), number.findall(expected)))


def report(what, path, kind, truth, predicted, names, undefined, **labels):
    expected = sk.classification_report(truth, predicted, target_names=names, digits=4, zero_division=0, **labels)
    text = taxon(path, kind, "text")
    if undefined:  # '-' where scikit-learn prints the 0 of zero_division
        assert "warning:" in text and "-" in text, text
    elif not alike(text, expected):
        sys.exit(f"FAILED: {what}: the report differs\n{text}\n{expected}")


def single(rng, path, case):
    n, c = int(rng.integers(1, 200)), int(rng.integers(2, 12))
    p = rng.dirichlet(np.full(c, 0.5), n)
    if case % 3 == 1:  # many ties
        p = np.array([rng.multinomial(10, row) for row in p]) / 10
    if case % 5 == 2:
        p[:, rng.integers(c)] = 2.0  # one class predicted always
        p = p / p.sum(1, keepdims=True)
    truth = rng.integers(0, c, n) if case % 7 else np.full(n, rng.integers(c))
    if case % 4 == 3:
        truth = truth // 2  # some classes are absent
    classes = [f"class {k}" + (', "quoted"' if k == 3 else "") for k in range(c)]
    predicted = p.argmax(1)
    write(path, ["id", "true", *("prob_" + k for k in classes)],
          [[i, classes[truth[i]], *map(repr, map(float, p[i]))] for i in range(n)])
    got, all_labels = json.loads(taxon(path, "single")), list(range(c))
    what = f"single case {case}"
    agree(what, got, metrics_expected.single(truth, predicted, p, None, c))
    assert [k["name"] for k in got["per_class"]] == classes
    undefined = any(k[m] is None for k in got["per_class"] for m in ("precision", "recall", "f1"))
    if '"' not in "".join(classes) or c <= 3:
        report(what, path, "single", truth, predicted, classes, undefined, labels=all_labels)


def multi(rng, path, case):
    n, c = int(rng.integers(1, 150)), int(rng.integers(1, 9))
    p = rng.random((n, c))
    if case % 3 == 1:
        p = np.round(p, 1)
    truth = (rng.random((n, c)) < rng.random(c) * 0.8).astype(int)
    if case % 4 == 3:
        truth[:, rng.integers(c)] = case % 8 == 3
    given = case % 5 == 4  # decisions in the file, no probabilities
    predicted = (p >= 0.5).astype(int)
    if case % 6 == 5:
        p[:, 0] = p[:, 0] * 0.4
        predicted = (p >= 0.5).astype(int)
    classes = [f"label {k}" for k in range(c)]
    join = lambda row: "|".join(classes[k] for k in range(c) if row[k])
    if given:
        used = [k for k in range(c) if truth[:, k].any() or predicted[:, k].any()]
        if not used:
            return
        write(path, ["true", "predicted"], [[join(t), join(q)] for t, q in zip(truth, predicted)])
        truth, predicted, classes, c = truth[:, used], predicted[:, used], [classes[k] for k in used], len(used)
    else:
        write(path, ["true", *("prob_" + k for k in classes)], [[join(t), *map(repr, map(float, q))] for t, q in zip(truth, p)])
    got, what = json.loads(taxon(path, "multi")), f"multi case {case}"
    agree(what, got, metrics_expected.multi(truth, predicted, None if given else p, None))
    assert [k["name"] for k in got["per_class"]] == classes
    assert all(k["threshold"] == (None if given else 0.5) for k in got["per_class"])
    if c > 1:
        undefined = any(k[m] is None for k in got["per_class"] for m in ("precision", "recall", "f1"))
        report(what, path, "multi", truth, predicted, classes, undefined)


with tempfile.TemporaryDirectory() as folder:
    for case in range(300):
        single(np.random.default_rng(case), os.path.join(folder, "p.csv"), case)
        multi(np.random.default_rng(1000 + case), os.path.join(folder, "p.csv"), case)
print(f"{compared} figures of 600 random predictions agree with scikit-learn")
