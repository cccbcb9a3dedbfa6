"""Compares Taxon's metrics with scikit-learn's (and torchmetrics' calibration error) on random
predictions: ties, absent classes, constant predictions, one class, samples without labels.

Use: metrics.py PEER_METRICS   (the program built from peer_metrics.cpp)
Exit code 77: scikit-learn is not installed.
"""
import csv, json, math, os, re, subprocess, sys, tempfile, warnings

try:
    import numpy as np
    import sklearn.metrics as sk
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


def ece(confidence, correct, bins=15):
    """Guo et al. 2017, equation 3, bin by bin."""
    total = 0.0
    for m in range(bins):
        inside = (confidence > m / bins) & (confidence <= (m + 1) / bins) | ((confidence == 0) & (m == 0))
        if inside.any():
            total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return total


def per_class(what, got, k, truth, predicted, score):
    """truth, predicted: 0/1 of one class; score may be None."""
    tp = int((truth & predicted).sum())
    same(f"{what} precision", got["precision"], tp / predicted.sum() if predicted.sum() else None)
    same(f"{what} recall", got["recall"], tp / truth.sum() if truth.sum() else None)
    both = truth.sum() + predicted.sum()
    same(f"{what} f1", got["f1"], 2 * tp / both if both else None)
    same(f"{what} support", got["support"], int(truth.sum()))
    positives, negatives = truth.sum(), (1 - truth).sum()
    if score is None:
        same(f"{what} ap", got["average_precision"], None)
        return
    same(f"{what} ap", got["average_precision"], sk.average_precision_score(truth, score) if positives else None)
    same(f"{what} auc", got["roc_auc"], sk.roc_auc_score(truth, score) if positives and negatives else None)


def averages(what, got, truth, predicted, names, **labels):
    for name, average in names.items():
        p, r, f, _ = sk.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0, **labels)
        for key, expected in (("precision", p), ("recall", r), ("f1", f)):
            same(f"{what} {name} {key}", got[name][key], expected)


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
        p = np.round(p, 1)
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
    same(what, got["samples"], n)
    same(f"{what} accuracy", got["accuracy"], sk.accuracy_score(truth, predicted))
    rank = ((p > p[np.arange(n), truth][:, None]) | ((p == p[np.arange(n), truth][:, None]) & (np.arange(c) < truth[:, None]))).sum(1)
    same(f"{what} top5", got["top5"], (rank < 5).mean())
    if case % 3 != 1 and c > 5:
        same(f"{what} top5 of scikit-learn", got["top5"], sk.top_k_accuracy_score(truth, p, k=5, labels=all_labels))
    same(f"{what} balanced", got["balanced_accuracy"], sk.balanced_accuracy_score(truth, predicted))
    same(f"{what} log loss", got["log_loss"], sk.log_loss(truth, p, labels=all_labels))
    same(f"{what} ece", got["ece"], ece(p[np.arange(n), predicted], predicted == truth))
    same(f"{what} mcc", got["mcc"], sk.matthews_corrcoef(truth, predicted))
    kappa = sk.cohen_kappa_score(truth, predicted)
    same(f"{what} kappa", got["cohen_kappa"], None if math.isnan(kappa) else kappa)
    averages(what, got, truth, predicted, {"macro": "macro", "weighted": "weighted", "micro": "micro"}, labels=all_labels)
    for k in all_labels:
        assert got["per_class"][k]["name"] == classes[k]
        per_class(f"{what} class {k}", got["per_class"][k], k, (truth == k).astype(int), (predicted == k).astype(int), p[:, k])
    same(f"{what} auc", got["roc_auc_ovr_macro"], np.mean([k["roc_auc"] or 0 for k in got["per_class"]]))
    if len(set(truth)) == c and c > 2:
        if np.allclose(p.sum(1), 1):
            same(f"{what} auc of scikit-learn", got["roc_auc_ovr_macro"], sk.roc_auc_score(truth, p, multi_class="ovr", labels=all_labels))
    assert got["confusion_matrix"] == sk.confusion_matrix(truth, predicted, labels=all_labels).tolist()
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
    same(f"{what} subset", got["subset_accuracy"], (truth == predicted).all(1).mean())
    same(f"{what} hamming", got["hamming_loss"], sk.hamming_loss(truth, predicted))
    names = {"micro": "micro", "macro": "macro", "samples_avg": "samples"}
    if c > 1:
        averages(what, got, truth, predicted, names)
    for k in range(c):
        assert got["per_class"][k]["name"] == classes[k]
        assert got["per_class"][k]["threshold"] == (None if given else 0.5)
        per_class(f"{what} label {k}", got["per_class"][k], k, truth[:, k], predicted[:, k], None if given else p[:, k])
    if not given and c > 1:
        same(f"{what} mAP", got["mAP"], sk.average_precision_score(truth, p))
    if c > 1:
        undefined = any(k[m] is None for k in got["per_class"] for m in ("precision", "recall", "f1"))
        report(what, path, "multi", truth, predicted, classes, undefined)


with tempfile.TemporaryDirectory() as folder:
    for case in range(300):
        single(np.random.default_rng(case), os.path.join(folder, "p.csv"), case)
        multi(np.random.default_rng(1000 + case), os.path.join(folder, "p.csv"), case)
print(f"{compared} figures of 600 random predictions agree with scikit-learn")
