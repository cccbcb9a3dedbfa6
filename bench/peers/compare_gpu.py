"""Compares Taxon with PyTorch on one GPU: training steps of the same models, in turn.

Use: compare_gpu.py [--taxon build/cuda/taxon] [--models resnet18:512,resnet50:256] [--precision bf16] [--rounds 3] [--seconds 3]
                    [--modes bf16-cl,bf16-compile]
Each round times `taxon bench --device cuda` and PyTorch in each of its modes (channels_last; compiled with CUDA Graphs:
mode="max-autotune") on random images in the GPU's memory; ten steps are waited for together. A round's ratio is the time of
PyTorch's best mode over Taxon's, so 1.3 says 1.3 times as fast; printed are the median over the rounds and their spread.
Prints one JSON object a measurement and a table in Markdown at the end.
Needs an interpreter with torch and torchvision for CUDA.
"""
import argparse, json, pathlib, statistics, subprocess, sys, time
import torch, torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from torch_step import MODELS  # the models that Taxon is measured on

TOGETHER = 10


def torch_ms(name, mode, batch, seconds):
    """Median milliseconds of a training step: forward, loss, zero_grad, backward, SGD with Nesterov momentum."""
    make, image = MODELS[name]
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = "tf32" in mode
    torch.backends.cudnn.benchmark = True
    net = make().cuda().to(memory_format=torch.channels_last)
    run = torch.compile(net, mode="max-autotune") if "compile" in mode else net
    x = torch.randn(batch, *image, device="cuda").contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (batch,), device="cuda")
    opt = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)

    def step():
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled="bf16" in mode): loss = F.cross_entropy(run(x), y)
        opt.zero_grad(); loss.backward(); opt.step()

    for _ in range(20): step()
    torch.cuda.synchronize()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < 3:
        begin = time.perf_counter()
        for _ in range(TOGETHER): step()
        torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - begin) / TOGETHER)
    return statistics.median(times)


def taxon_ms(a, name, batch):
    size = ["--size", "224"] if name == "resnet50" else []
    out = subprocess.run([a.taxon, "bench", "--model", name, "--batch", str(batch), "--precision", a.precision, "--device", "cuda",
                          "--seconds", str(a.seconds), "--json", *size], capture_output=True, text=True)
    if out.returncode != 0: sys.exit(f"taxon bench failed:\n{out.stderr[-2000:]}")
    return json.loads(out.stdout.splitlines()[-1])["train_ms"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--taxon", default="build/cuda/taxon"); p.add_argument("--models", default="resnet18:512,resnet50:256")
    p.add_argument("--precision", default="bf16"); p.add_argument("--modes", default="bf16-cl,bf16-compile")
    p.add_argument("--rounds", type=int, default=3); p.add_argument("--seconds", type=float, default=3)
    a = p.parse_args()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {time.strftime('%Y-%m-%d')}")
    table = ["| Model, batch | Taxon, ms | PyTorch's best, ms | times as fast |", "| --- | --- | --- | --- |"]
    for entry in a.models.split(","):
        name, batch = entry.split(":"); batch = int(batch)
        ours, best, ratios = [], [], []
        for number in range(a.rounds):
            theirs = {mode: torch_ms(name, mode, batch, a.seconds) for mode in a.modes.split(",")}
            torch.cuda.empty_cache()
            ours.append(taxon_ms(a, name, batch)); best.append(min(theirs.values())); ratios.append(best[-1] / ours[-1])
            print(json.dumps({"model": name, "batch": batch, "round": number + 1, "taxon_ms": ours[-1], **theirs}), flush=True)
        table.append(f"| {name}, {batch} | {statistics.median(ours):.2f} | {statistics.median(best):.2f} | "
                     f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |")
    print("\n".join(table))


if __name__ == "__main__":
    main()
