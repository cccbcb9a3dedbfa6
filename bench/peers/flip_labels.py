"""Flips labels of CIFAR-10's training images at random, and scores a list of suspicious labels against them.

Use: flip_labels.py make CIFAR10_DIR OUT_DIR [--share 0.05] [--seed 0]
     flip_labels.py score OUT_DIR labels.csv
make copies the binary files of CIFAR10_DIR to OUT_DIR; of the 50,000 training images a share, drawn without replacement, gets one
of the nine other labels, each alike. OUT_DIR/flipped.csv has their ids (train/N), true and given labels. score reads the list of
  taxon data check cifar10 --data-dir OUT_DIR --labels train --out FOLDER
and prints its precision and recall as one JSON object, also of its first half, which `taxon` is surest of.
"""
import argparse, csv, json, pathlib, shutil
import numpy as np

RECORD, PER_FILE, FILES = 1 + 3072, 10000, 5


def make(a):
    out = pathlib.Path(a.out); out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(a.seed)
    chosen = np.sort(rng.choice(PER_FILE * FILES, int(round(a.share * PER_FILE * FILES)), replace=False))
    rows = []
    for name in ("test_batch.bin", "batches.meta.txt"): shutil.copy(pathlib.Path(a.folder) / name, out / name)
    for k in range(FILES):
        name = f"data_batch_{k + 1}.bin"
        records = np.fromfile(pathlib.Path(a.folder) / name, np.uint8).reshape(PER_FILE, RECORD)
        for i in chosen[chosen // PER_FILE == k]:
            true = int(records[i % PER_FILE, 0])
            given = (true + int(rng.integers(1, 10))) % 10
            records[i % PER_FILE, 0] = given
            rows.append([f"train/{i}", true, given])
        records.tofile(out / name)
    with open(out / "flipped.csv", "w", newline="") as f: csv.writer(f).writerows([["id", "true", "given"], *rows])
    print(f"{len(rows)} labels flipped")


def score(a):
    with open(pathlib.Path(a.folder) / "flipped.csv", newline="") as f: flipped = {row["id"] for row in csv.DictReader(f)}
    with open(a.list, newline="") as f: listed = [row["id"] for row in csv.DictReader(f)]
    hits = [i in flipped for i in listed]
    half = len(hits) // 2
    print(json.dumps({"flipped": len(flipped), "listed": len(listed), "precision": sum(hits) / len(hits), "recall": sum(hits) / len(flipped),
                      "precision_of_first_half": sum(hits[:half]) / half}))


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = p.add_subparsers(required=True)
    m = verbs.add_parser("make"); m.add_argument("folder"); m.add_argument("out"); m.add_argument("--share", type=float, default=0.05)
    m.add_argument("--seed", type=int, default=0); m.set_defaults(run=make)
    s = verbs.add_parser("score"); s.add_argument("folder"); s.add_argument("list"); s.set_defaults(run=score)
    a = p.parse_args()
    a.run(a)
