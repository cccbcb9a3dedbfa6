"""Compares epochs of airnet on CIFAR-10 in Taxon and in PyTorch on this machine, one after the other in turn.

Use: compare_airnet.py DATA_DIR [--taxon build/release/taxon] [--precision bf16] [--modes bf16-cl,f32-cl] [--rounds 3] [--others 0.12]
Each round trains one epoch by `taxon train cifar10 --model airnet`, then one in each of PyTorch's modes (torch_airnet.py, freed
memory kept by malloc), data loading and evaluation not counted. A round's ratio is Taxon's time an image over the time of
PyTorch's faster mode; printed are all times, and the median ratio with its spread. Rounds during which other programs (or the
host) took more than --others of the processors are dropped.
"""
import argparse, json, os, pathlib, statistics, sys, tempfile

from compare import FOLDER, KEPT, run

IMAGES = 48 * 1024  # of torch_airnet.py's epoch


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("data"); p.add_argument("--taxon", default="build/release/taxon"); p.add_argument("--precision", default="bf16")
    p.add_argument("--modes", default="bf16-cl,f32-cl"); p.add_argument("--rounds", type=int, default=3); p.add_argument("--others", type=float, default=0.12)
    a = p.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(a.rounds):
            command = [a.taxon, "train", "cifar10", "--data-dir", a.data, "--model", "airnet", "--epochs", "1", "--precision", a.precision,
                       "--seed", str(i), "--json", "--out", os.path.join(folder, str(i))]
            lines, others = run(command)
            ours = 1e6 / next(line["images_per_s"] for line in lines if line.get("event") == "epoch")
            busiest, theirs = others, {}
            for mode in a.modes.split(","):
                script = pathlib.Path(FOLDER) / "torch_airnet.py"
                lines, others = run([sys.executable, str(script), a.data, "--mode", mode, "--epochs", "1", "--seed", str(i)], KEPT)
                theirs[mode] = 1e6 * next(line["seconds"] for line in lines if "epoch" in line) / IMAGES
                busiest = max(busiest, others)
            row = {"taxon_us_an_image": ours, **{f"torch_{k}_us_an_image": v for k, v in theirs.items()}, "others": busiest}
            print(json.dumps(row), flush=True)
            if busiest <= a.others: ratios.append(ours / min(theirs.values()))
    if not ratios: sys.exit("every round was disturbed")
    print(f"time against PyTorch's best: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, {len(ratios)} rounds)")


if __name__ == "__main__":
    main()
