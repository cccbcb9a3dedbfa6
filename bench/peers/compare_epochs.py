"""What compare_airnet.py and compare_multilabel.py share: epochs of a recipe in Taxon and in PyTorch, in turn.

Each round trains one epoch in Taxon, then one in each of PyTorch's modes (freed memory kept by malloc), data loading and
evaluation not counted. A round's ratio is Taxon's time an image over the time of PyTorch's faster mode; printed are all times,
and the median ratio with its spread. Rounds during which other programs (or the host) took more than --others of the processors
are dropped.
"""
import argparse, json, os, pathlib, statistics, sys, tempfile

from compare import FOLDER, KEPT, run


def options(description, modes):
    """The options of both scripts: data, --taxon, --precision, --modes, --rounds, --others."""
    p = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("data"); p.add_argument("--taxon", default="build/release/taxon"); p.add_argument("--precision", default=modes.split("-")[0])
    p.add_argument("--modes", default=modes); p.add_argument("--rounds", type=int, default=3); p.add_argument("--others", type=float, default=0.12)
    return p.parse_args()


def compare(a, images, train, script, script_arguments=()):
    """Times `taxon train` with the arguments `train` and the peer's script, which trains `images` an epoch."""
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(a.rounds):
            command = [a.taxon, "train", *train, "--epochs", "1", "--precision", a.precision, "--seed", str(i), "--json",
                       "--out", os.path.join(folder, str(i))]
            lines, others = run(command)
            ours = 1e6 / next(line["images_per_s"] for line in lines if line.get("event") == "epoch")
            busiest, theirs = others, {}
            for mode in a.modes.split(","):
                peer = [sys.executable, str(pathlib.Path(FOLDER) / script), a.data, *script_arguments]
                lines, others = run([*peer, "--mode", mode, "--epochs", "1", "--seed", str(i)], KEPT)
                theirs[mode] = 1e6 * next(line["seconds"] for line in lines if "epoch" in line) / images
                busiest = max(busiest, others)
            row = {"taxon_us_an_image": ours, **{f"torch_{k}_us_an_image": v for k, v in theirs.items()}, "others": busiest}
            print(json.dumps(row), flush=True)
            if busiest <= a.others: ratios.append(ours / min(theirs.values()))
    if not ratios: sys.exit("every round was disturbed")
    print(f"time against PyTorch's best: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, {len(ratios)} rounds)")
