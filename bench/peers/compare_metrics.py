"""Compares all figures of single-label predictions in Taxon and in scikit-learn: the same set, from memory, in turn.

Use: compare_metrics.py [--bench build/release/bench/bench_metrics] [--rounds 3] [--samples 1000000] [--classes 10]
The set: accuracy, balanced accuracy, top-5, precision, recall, F1 and Jaccard by class and averaged three ways, confusion
matrix, kappa (plain, linear, quadratic), Matthews, Hamming loss, log loss, Brier score, ROC areas and average precisions (by
class, macro, weighted, micro). Taxon's calibration errors, which scikit-learn has not, are on top. Neither has
one-vs-one areas or intervals.
"""
import argparse, json, statistics, subprocess, sys, time

import numpy as np
import sklearn.metrics as sk


def predictions(samples, classes):
    rng = np.random.default_rng(1)
    truth = rng.integers(0, classes, samples)
    z = rng.normal(0, 2, (samples, classes)).astype(np.float32)
    z[np.arange(samples), truth] += 4
    p = np.exp(z)
    return truth, (p / p.sum(1, keepdims=True)).astype(np.float64)


def figures(truth, p):
    classes = list(range(p.shape[1]))
    predicted, one_hot = p.argmax(1), np.eye(p.shape[1], dtype=np.int8)[truth]
    out = [sk.accuracy_score(truth, predicted), sk.balanced_accuracy_score(truth, predicted), sk.matthews_corrcoef(truth, predicted),
           sk.top_k_accuracy_score(truth, p, k=5, labels=classes), sk.hamming_loss(truth, predicted), sk.confusion_matrix(truth, predicted),
           sk.log_loss(truth, p, labels=classes), sk.brier_score_loss(truth, p, labels=classes)]
    for average in (None, "macro", "weighted", "micro"):
        out.append(sk.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0))
        out.append(sk.jaccard_score(truth, predicted, average=average, zero_division=0))
    out += [sk.cohen_kappa_score(truth, predicted, weights=w) for w in (None, "linear", "quadratic")]
    # By class once; macro and weighted averages follow from it.
    for score in (sk.roc_auc_score, sk.average_precision_score):
        out.append([score(one_hot[:, k], p[:, k]) for k in classes])
        out.append(score(one_hot.ravel(), p.ravel()))
    return out


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--bench", default="build/release/bench/bench_metrics"); a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--samples", type=int, default=1_000_000); a.add_argument("--classes", type=int, default=10)
    a = a.parse_args()
    truth, p = predictions(a.samples, a.classes)
    ratios = []
    for _ in range(a.rounds):
        out = subprocess.run([a.bench, f"--benchmark_filter=single/{a.samples}/{a.classes}/", "--benchmark_format=json"],
                             check=True, capture_output=True, text=True).stdout
        row = json.loads(out)["benchmarks"][0]
        start = time.perf_counter()
        figures(truth, p)
        theirs = time.perf_counter() - start
        ratios.append(theirs * 1e3 / row["real_time"])
        print(f"Taxon {row['real_time']:.0f} ms (peak {row['peak_mb']:.0f} MB), scikit-learn {theirs * 1e3:.0f} ms", flush=True)
    print(f"scikit-learn's time over Taxon's: {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}, {a.rounds} rounds)")


if __name__ == "__main__":
    sys.exit(main())
