"""Compares Taxon with PyTorch and ONNX Runtime on this machine: the same models, batches and threads, in turn.

Use: compare.py [--taxon build/release/taxon] [--models resnet18,resnet20,cnn,lenet,mlp] [--rounds 3] [--seconds 2]
                [--threads 2] [--bf16] [--markdown docs/performance.md]
Each round runs Taxon, PyTorch in each of its modes with glibc's default malloc and with freed memory kept, and ONNX
Runtime, one after the other. A round's ratio is the best peer's time over Taxon's, so 2.0 says twice as fast; printed are
the median over the rounds and their spread. A run during which other programs (or the host) took more than --others of
the processors is dropped, and with it that round's ratios against this peer. --bf16 adds PyTorch's bf16 training as a row of its own, against Taxon's f32.
--markdown writes the table between the lines <!-- compare --> and <!-- /compare --> of that file.
Needs an interpreter with torch, and with onnxruntime and onnx for inference.
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


class Times:
    """Milliseconds of one round: (who, figure) -> the best of its runs."""
    def __init__(self): self.best, self.dropped = {}, set()

    def add(self, who, row):
        for figure in ("train_ms", "infer_ms", "b1_ms"):
            if row.get(figure): self.best[who, figure] = min(row[figure], self.best.get((who, figure), float("inf")))

    def ratio(self, figure, peers):
        if self.dropped & {"taxon", *peers}: return None  # the best of what is left need not be the best
        theirs = [self.best[p, figure] for p in peers if (p, figure) in self.best]
        ours = self.best.get(("taxon", figure))
        return (ours, min(theirs), min(theirs) / ours) if ours and theirs else None


def one_round(model, a):
    times, python = Times(), sys.executable
    batch, size = (16, ["--size", "224"]) if model == "resnet50" else (128, [])
    def take(who, command, env=None):
        rows, others = run(command, env)
        if others > a.others:
            print(f"  dropped: {who} {model}, others used {100 * others:.0f} % of the machine", file=sys.stderr)
            times.dropped.add("torch bf16" if "bf16-cl" in command else who)
            return
        for row in rows: times.add("torch bf16" if "bf16" in row.get("mode", "") else who, row)
    take("taxon", [a.taxon, "bench", "--model", model, "--batch", str(batch), *size, "--seconds", str(a.seconds),
                   "--threads", str(a.threads), "--json"])
    for env in ({}, KEPT):
        for mode in ["f32", "f32-cl"] + (["bf16-cl"] if a.bf16 else []):
            take("torch", [python, FOLDER / "torch_step.py", "--models", model, "--modes", mode, "--threads",
                           str(a.threads), "--seconds", str(a.seconds)], env)
    take("ort", [python, FOLDER / "ort_infer.py", "--models", model, "--threads", str(a.threads), "--seconds", str(a.seconds)])
    return times


ROWS = [("training step, f32", "train_ms", ["torch"]), ("training step, f32 against PyTorch's bf16", "train_ms", ["torch bf16"]),
        ("inference, batch 128 (resnet50: 16), f32", "infer_ms", ["torch", "ort"]), ("one image, f32", "b1_ms", ["torch", "ort"])]


def table(results):
    lines = ["| Work | Model | Taxon, ms | best peer, ms | times as fast (spread) |", "| --- | --- | --- | --- | --- |"]
    for title, figure, peers in ROWS:
        for model, rounds in results.items():
            found = [r for r in (t.ratio(figure, peers) for t in rounds) if r]
            if not found: continue
            ratios = sorted(r[2] for r in found)
            digits = 3 if statistics.median(r[0] for r in found) < 1 else 1
            lines.append(f"| {title} | {model} | {statistics.median(r[0] for r in found):,.{digits}f} | "
                         f"{statistics.median(r[1] for r in found):,.{digits}f} | "
                         f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}, {len(ratios)} rounds) |")
    return "\n".join(lines)


def write_between(path, text):
    begin, end = "<!-- compare -->", "<!-- /compare -->"
    old = pathlib.Path(path).read_text()
    if begin not in old or end not in old: sys.exit(f"{path}: the lines {begin} and {end} are missing")
    new = old[:old.index(begin) + len(begin)] + "\n" + text + "\n" + old[old.index(end):]
    temporary = pathlib.Path(str(path) + ".new"); temporary.write_text(new); temporary.replace(path)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--taxon", default="build/release/taxon"); p.add_argument("--models", default="resnet18,resnet20,cnn,lenet,mlp")
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
