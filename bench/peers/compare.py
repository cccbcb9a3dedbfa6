"""Compares Taxon with PyTorch and ONNX Runtime on this machine: the same models, batches and threads, in turn.

Use: compare.py [--taxon build/release/taxon] [--models resnet18,resnet20,cnn,lenet,mlp,resnet50] [--rounds 3] [--seconds 2]
                [--threads 2] [--bf16] [--markdown docs/performance.md]
Each round runs Taxon, PyTorch in each of its modes with glibc's default malloc and with freed memory kept, and ONNX
Runtime, one after the other. A round's ratio is the best peer's time over Taxon's, so 2.0 says twice as fast; printed are
the median over the rounds and their spread, and whether the median reaches what it must. A run during which other programs
(or the host) took more than --others of the processors is dropped, and with it that round's ratios against this peer.
resnet18 and resnet20 also train in bf16; --bf16 does so for all. resnet18 also trains on one thread, and its peak memory is
taken: resident memory less its size before the model was built, of Taxon and of PyTorch in a process that only trains.
--markdown writes the table between the lines <!-- compare --> and <!-- /compare --> of that file.
Needs an interpreter with torch and torchvision, and with onnxruntime and onnx for inference.
"""
import argparse, json, os, pathlib, platform, statistics, subprocess, sys, time

KEPT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "16000000000"}
FOLDER = pathlib.Path(__file__).parent


def busy():
    """Seconds that all processors together have been busy, the host's share included."""
    user, nice, system, _, _, irq, softirq, steal = map(int, open("/proc/stat").readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def run(command, env=None):
    """The JSON objects a program prints, and the share of the processors that others used meanwhile."""
    before, start, own = busy(), time.time(), os.times()
    out = subprocess.run(command, env={**os.environ, **(env or {})}, capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{out.stderr[-2000:]}")
    wall, after = time.time() - start, os.times()
    mine = after.children_user + after.children_system - own.children_user - own.children_system
    others = (busy() - before - mine) / (wall * os.cpu_count())
    return [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")], others


FIGURES = ("train_ms", "infer_ms", "b1_ms", "train_mb")


class Times:
    """Milliseconds (or MB) of one round: (who, figure) -> the best of its runs."""
    def __init__(self): self.best, self.dropped = {}, set()

    def add(self, who, row):
        if "train_rss_mb" in row: row = {**row, "train_mb": row["train_rss_mb"] - row["start_rss_mb"]}
        for figure in FIGURES:
            if row.get(figure): self.best[who, figure] = min(row[figure], self.best.get((who, figure), float("inf")))

    def ratio(self, who, figure, peers):
        """Taxon's figure, the best peer's, and how many times as large that is."""
        if self.dropped & {who, *peers} and figure != "train_mb": return None  # the best of what is left need not be the best
        theirs = [self.best[p, figure] for p in peers if (p, figure) in self.best]
        ours = self.best.get((who, figure))
        return (ours, min(theirs), min(theirs) / ours) if ours and theirs else None


def one_round(model, a):
    times, python = Times(), sys.executable
    batch, size = (16, ["--size", "224", "--no-train"]) if model == "resnet50" else (128, [])
    bf16 = a.bf16 or model in ("resnet18", "resnet20")

    def take(who, command, env=None):
        rows, others = run(command, env)
        if others > a.others:
            print(f"  dropped: {who} {model}, others used {100 * others:.0f} % of the machine", file=sys.stderr)
            times.dropped.add(who)
        for row in rows: times.add(who, {k: v for k, v in row.items() if others <= a.others or k.endswith("_mb")})

    def taxon(who, threads, *more):
        take(who, [a.taxon, "bench", "--model", model, "--batch", str(batch), *size, "--seconds", str(a.seconds),
                   "--threads", str(threads), *more, "--json"])

    def torch(who, mode, env, *more):
        take(who, [python, FOLDER / "torch_step.py", "--models", model, "--modes", mode, "--threads", str(a.threads),
                   "--seconds", str(a.seconds), *more], env)

    taxon("taxon", a.threads)
    if bf16: taxon("taxon bf16", a.threads, "--precision", "bf16")
    if model == "resnet18": taxon("taxon, 1 thread", 1)
    for env in ({}, KEPT):
        for mode in ("f32", "f32-cl"):
            torch("torch", mode, env)
            if model == "resnet18": torch("torch", mode, env, "--memory")
        if bf16: torch("torch bf16", "bf16-cl", env)
    take("ort", [python, FOLDER / "ort_infer.py", "--models", model, "--threads", str(a.threads), "--seconds", str(a.seconds)])
    return times


# Title, figure, whose, against whom, and what the ratio must be at least for each model.
ROWS = [("training step, f32", "train_ms", "taxon", ["torch"], {"resnet18": 2.0, "resnet20": 1.45, "cnn": 1.8, "lenet": 2, "mlp": 1.5}),
        ("training step, f32 against PyTorch's bf16", "train_ms", "taxon", ["torch bf16"], {"resnet18": 1.05}),
        ("training step, bf16", "train_ms", "taxon bf16", ["torch bf16"], {"resnet18": 1.2, "resnet20": 1.2}),
        ("inference, batch 128 (resnet50: 16), f32", "infer_ms", "taxon", ["torch", "ort"],
         {"resnet18": 2.0, "cnn": 1.6, "resnet20": 1.4, "lenet": 1.2, "mlp": 1.1, "resnet50": 1.1}),
        ("one image, f32", "b1_ms", "taxon", ["torch", "ort"],
         {"mlp": 1.3, "lenet": 1.5, "resnet20": 1.2, "resnet18": 1.1, "resnet50": 1.1}),
        ("training step, f32, on all threads against one", "train_ms", "taxon", ["taxon, 1 thread"], {"resnet18": 1.8}),
        ("peak memory of training, f32, MB", "train_mb", "taxon", ["torch"], {"resnet18": 1.0})]


def table(results):
    lines = ["| Work | Model | Taxon, ms | the other, ms | ratio (spread) | must | met |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for title, figure, who, peers, musts in ROWS:
        for model, rounds in results.items():
            found = [r for r in (t.ratio(who, figure, peers) for t in rounds) if r]
            if not found: continue
            ratios = sorted(r[2] for r in found)
            digits = 3 if statistics.median(r[0] for r in found) < 1 else 1
            must, median = musts.get(model), statistics.median(ratios)
            verdict = f"{must} | {'yes' if median >= must else 'no'}" if must else " | "
            lines.append(f"| {title} | {model} | {statistics.median(r[0] for r in found):,.{digits}f} | "
                         f"{statistics.median(r[1] for r in found):,.{digits}f} | "
                         f"{median:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}, {len(ratios)} rounds) | {verdict} |")
    return "\n".join(lines)


def write_between(path, text):
    begin, end = "<!-- compare -->", "<!-- /compare -->"
    old = pathlib.Path(path).read_text()
    if begin not in old or end not in old: sys.exit(f"{path}: the lines {begin} and {end} are missing")
    new = old[:old.index(begin) + len(begin)] + "\n" + text + "\n" + old[old.index(end):]
    temporary = pathlib.Path(str(path) + ".new"); temporary.write_text(new); temporary.replace(path)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--taxon", default="build/release/taxon"); p.add_argument("--models", default="resnet18,resnet20,cnn,lenet,mlp,resnet50")
    p.add_argument("--rounds", type=int, default=3); p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--threads", type=int, default=2); p.add_argument("--others", type=float, default=0.06)
    p.add_argument("--bf16", action="store_true"); p.add_argument("--markdown")
    a = p.parse_args()
    results = {}
    for model in a.models.split(","):
        results[model] = [one_round(model, a) for _ in range(a.rounds)]
        print(table({model: results[model]}), flush=True)
    isa = subprocess.run([a.taxon, "info"], capture_output=True, text=True).stdout.splitlines()
    machine = next((line for line in isa if "instruction set" in line), platform.machine())
    text = f"\n{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, {machine.strip()}:\n\n{table(results)}\n"
    print(text)
    if a.markdown: write_between(a.markdown, text)
