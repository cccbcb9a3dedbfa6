"""What scikit-learn says about predictions, under the names of metrics.json.

Definitions that scikit-learn leaves open are Taxon's: a figure of a class that has nothing to divide by is None and counts as 0
in averages. Weights of samples are scikit-learn's sample_weight.
"""
import math

import numpy as np
import sklearn.metrics as sk
from sklearn.calibration import calibration_curve


def known(v):
    return None if v is None or math.isnan(v) else float(v)


def scores(truth, predicted, average, beta, **options):
    p, r, f, _ = sk.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0, **options)
    return {"precision": float(p), "recall": float(r), "f1": float(f),
            "fbeta": float(sk.fbeta_score(truth, predicted, beta=beta, average=average, zero_division=0, **options)),
            "jaccard": float(sk.jaccard_score(truth, predicted, average=average, zero_division=0, **options))}


def share(a, b):
    return float(a / b) if b else None


def one_class(truth, predicted, score, w, beta):
    """truth, predicted: 0/1 of one class; score may be None."""
    tp, t, p = (truth * predicted * w).sum(), (truth * w).sum(), (predicted * w).sum()
    b = beta * beta
    out = {"precision": share(tp, p), "recall": share(tp, t), "f1": share(2 * tp, t + p), "fbeta": share((1 + b) * tp, p + b * t),
           "jaccard": share(tp, t + p - tp), "support": float(t), "average_precision": None, "roc_auc": None}
    if score is not None and t > 0:
        out["average_precision"] = float(sk.average_precision_score(truth, score, sample_weight=w))
        if ((1 - truth) * w).sum() > 0:
            out["roc_auc"] = float(sk.roc_auc_score(truth, score, sample_weight=w))
    return out


def averages(per_class, key, truth, p, w, c):
    values = np.array([k[key] or 0 for k in per_class])
    support = np.array([k["support"] for k in per_class])
    flat, weights = truth.ravel(), np.repeat(w, c)
    positive, negative = (flat * weights).sum() > 0, ((1 - flat) * weights).sum() > 0
    function = sk.roc_auc_score if key == "roc_auc" else sk.average_precision_score
    fine = positive and (negative or key != "roc_auc")
    return (float(values.mean()), share((values * support).sum(), support.sum()),
            float(function(flat, p.ravel(), sample_weight=weights)) if fine else None)


def one_vs_one(truth, p, w, c):
    areas, sizes = [], []
    for a in range(c):
        for b in range(a + 1, c):
            rows = (truth == a) | (truth == b)
            wa, wb = w[truth == a].sum(), w[truth == b].sum()
            if wa == 0 or wb == 0:
                continue
            pair = [sk.roc_auc_score(truth[rows] == k, p[rows, k], sample_weight=w[rows]) for k in (a, b)]
            areas.append(np.mean(pair))
            sizes.append(wa + wb)
    return (float(np.mean(areas)), float(np.average(areas, weights=sizes))) if areas else (None, None)


def calibration(confidence, correct, w, bins=15):
    """Guo et al. 2017, equations 3 and 5, bin by bin."""
    total, worst = 0.0, 0.0
    for m in range(bins):
        inside = (confidence > m / bins) & (confidence <= (m + 1) / bins) | ((confidence == 0) & (m == 0))
        if w[inside].sum() == 0:
            continue
        gap = abs(np.average(correct[inside], weights=w[inside]) - np.average(confidence[inside], weights=w[inside]))
        total += w[inside].sum() / w.sum() * gap
        worst = max(worst, gap)
    return float(total), float(worst)


def probabilistic(out, truth, predicted, p, w, c, weighted):
    n, rows = len(truth), np.arange(len(truth))
    rank = ((p > p[rows, truth][:, None]) | ((p == p[rows, truth][:, None]) & (np.arange(c) < truth[:, None]))).sum(1)
    out["top5"] = float(np.average(rank < 5, weights=w))
    eps = np.finfo(float).eps
    out["log_loss"] = float(np.average(-np.log(np.clip(p[rows, truth], eps, 1 - eps)), weights=w))
    one_hot = np.eye(c, dtype=int)[truth]
    out["brier"] = float(np.average(((p - one_hot) ** 2).sum(1), weights=w)) / (2 if c == 2 else 1)
    if c > 1:
        labels = list(range(c))
        assert math.isclose(out["log_loss"], sk.log_loss(truth, p, labels=labels, sample_weight=w), rel_tol=1e-9)
        if c > 2:
            assert math.isclose(out["brier"], sk.brier_score_loss(truth, p, labels=labels, sample_weight=w), rel_tol=1e-9, abs_tol=1e-12)
    for name, key in (("roc_auc_ovr", "roc_auc"), ("average_precision", "average_precision")):
        macro, by_support, micro = averages(out["per_class"], key, one_hot, p, w, c)
        out |= {f"{name}_macro": macro, f"{name}_weighted": by_support, f"{name.removesuffix('_ovr')}_micro": micro}
    if c <= 40:
        out["roc_auc_ovo_macro"], out["roc_auc_ovo_weighted"] = one_vs_one(truth, p, w, c)
    if len(set(truth)) == c and c > 2 and not weighted:  # what scikit-learn does itself
        for kind in ("ovr", "ovo") if c <= 40 else ("ovr",):
            for average in ("macro", "weighted"):
                theirs = sk.roc_auc_score(truth, p, multi_class=kind, average=average, labels=list(range(c)))
                assert math.isclose(out[f"roc_auc_{kind}_{average}"], theirs, rel_tol=1e-9), (kind, average)
    confidence, correct = p[rows, predicted], (predicted == truth).astype(float)
    out["ece"], out["mce"] = calibration(confidence, correct, w)
    if not weighted and n > 1:
        true, mean = calibration_curve(correct, confidence, n_bins=15)
        assert math.isclose(np.abs(true - mean).max(), out["mce"], abs_tol=1e-12)


def single(truth, predicted, p, weight, c, beta=1.0):
    """truth, predicted [n] of c classes; p [n, c] or None; weight [n] or None."""
    labels, w = list(range(c)), np.ones(len(truth)) if weight is None else weight
    out = {"samples": float(w.sum()), "accuracy": float(sk.accuracy_score(truth, predicted, sample_weight=w)),
           "balanced_accuracy": float(sk.balanced_accuracy_score(truth, predicted, sample_weight=w)),
           "mcc": float(sk.matthews_corrcoef(truth, predicted, sample_weight=w)),
           "hamming_loss": float(sk.hamming_loss(truth, predicted, sample_weight=w))}
    for key, weights in (("cohen_kappa", None), ("kappa_linear", "linear"), ("kappa_quadratic", "quadratic")):
        out[key] = known(sk.cohen_kappa_score(truth, predicted, labels=labels, weights=weights, sample_weight=w)) if c > 1 else None
    for average in ("macro", "weighted", "micro"):
        out[average] = scores(truth, predicted, average, beta, labels=labels, sample_weight=w)
    out["confusion_matrix"] = sk.confusion_matrix(truth, predicted, labels=labels, sample_weight=w).tolist()
    out["per_class"] = [one_class((truth == k).astype(int), (predicted == k).astype(int), None if p is None else p[:, k], w, beta)
                        for k in labels]
    if p is not None:
        probabilistic(out, truth, predicted, p, w, c, weight is not None)
    return out


def multi(truth, predicted, p, weight, beta=1.0):
    """truth, predicted [n, c] of 0 and 1; p [n, c] or None; weight [n] or None."""
    n, c = truth.shape
    w = np.ones(n) if weight is None else weight
    out = {"samples": float(w.sum()), "subset_accuracy": float(np.average((truth == predicted).all(1), weights=w)),
           "hamming_loss": float(np.average((truth != predicted).mean(1), weights=w))}
    if c > 1:
        assert math.isclose(out["hamming_loss"], sk.hamming_loss(truth, predicted, sample_weight=w), abs_tol=1e-12)
        for name, average in (("micro", "micro"), ("macro", "macro"), ("weighted", "weighted"), ("samples_avg", "samples")):
            out[name] = scores(truth, predicted, average, beta, sample_weight=w)
    out["per_class"] = [one_class(truth[:, k], predicted[:, k], None if p is None else p[:, k], w, beta) for k in range(c)]
    if p is None:
        return out
    for name, key in (("roc_auc", "roc_auc"), ("average_precision", "average_precision")):
        macro, by_support, micro = averages(out["per_class"], key, truth, p, w, c)
        out |= {f"{name}_macro": macro, f"{name}_weighted": by_support, f"{name}_micro": micro}
    out["mAP"] = out.pop("average_precision_macro")
    eps = np.finfo(float).eps
    right = np.clip(np.where(truth == 1, p, 1 - p), eps, 1 - eps)
    out["log_loss"] = float(np.average(-np.log(right).mean(1), weights=w))
    if c > 1:
        out["coverage_error"] = float(sk.coverage_error(truth, p, sample_weight=w))
        out["label_ranking_average_precision"] = float(sk.label_ranking_average_precision_score(truth, p, sample_weight=w))
        out["label_ranking_loss"] = float(sk.label_ranking_loss(truth, p, sample_weight=w))
    return out
