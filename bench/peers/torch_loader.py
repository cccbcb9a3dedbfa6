"""Images per second of loading a folder of JPEGs: torchvision's ImageFolder and DataLoader, and Taxon.

Use: torch_loader.py make IMAGES OUT [--side 500] [--count 400]
     torch_loader.py run PHOTOS [--workers 2] [--batch 128] [--seconds 8] [--transforms v1|v2]
     torch_loader.py compare PHOTOS [--taxon build/release/taxon] [--rounds 5] [--workers 2] [--seconds 8]
make writes photos whose longer side is --side pixels into OUT/train/{a,b}: the pictures in IMAGES resized (Lanczos), with
grain (sigma 4), so that their files are about as large as a camera's, quality 90, chroma 4:2:0. run times RandomResizedCrop(224),
RandomHorizontalFlip, conversion to float and normalisation with as many worker processes as processors, after a first batch;
v2 is torchvision.transforms.v2. It prints one JSON object. compare runs both and `taxon bench --loader` in turn and prints the
best of each, in images/s, and the ratio. The files are read once before, so that the disk has no say.
"""
import argparse, json, pathlib, subprocess, sys, time


def make(images, out, side, count):
    import numpy as np
    from PIL import Image
    noise, size = np.random.default_rng(0), 0
    paths = sorted(p for p in pathlib.Path(images).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))[:count]
    if not paths: sys.exit(f"{images}: no images")
    for i, path in enumerate(paths):
        image = Image.open(path).convert("RGB")
        scale = side / max(image.size)
        image = image.resize([round(n * scale) for n in image.size], Image.LANCZOS)
        grain = noise.normal(0, 4, (image.height, image.width, 1))
        image = Image.fromarray((np.asarray(image) + grain).round().clip(0, 255).astype(np.uint8))
        to = pathlib.Path(out) / "train" / "ab"[i % 2] / f"{i:04}.jpg"
        to.parent.mkdir(parents=True, exist_ok=True)
        image.save(to, quality=90, subsampling=2)
        size += to.stat().st_size
    print(f"{len(paths)} photos of {side} px, {size / len(paths) / 1e3:.0f} kB each, in {out}")


def run(photos, workers, batch, seconds, transforms):
    import torch, torchvision
    from torchvision import transforms as t
    if transforms == "v2": import torchvision.transforms.v2 as t
    to_float = [t.ToImage(), t.ToDtype(torch.float32, scale=True)] if transforms == "v2" else [t.ToTensor()]
    change = t.Compose([t.RandomResizedCrop(224), t.RandomHorizontalFlip(), *to_float, t.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    data = torchvision.datasets.ImageFolder(pathlib.Path(photos) / "train", change)
    loader = torch.utils.data.DataLoader(data, batch_size=min(batch, len(data)), shuffle=True, drop_last=True, num_workers=workers, persistent_workers=True)
    batches = (b for _ in iter(int, 1) for b in loader)
    next(batches)
    images, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds: images += len(next(batches)[0])
    print(json.dumps({"peer": f"torchvision {torchvision.__version__}", "transforms": transforms, "images": len(data), "workers": workers,
                      "img_s": images / (time.perf_counter() - start)}), flush=True)


def compare(a):
    for path in pathlib.Path(a.photos).rglob("*.jpg"): path.read_bytes()
    ours = [a.taxon, "bench", "--loader", a.photos, "--threads", str(a.workers), "--batch", str(a.batch), "--seconds", str(a.seconds), "--json"]
    commands = {"taxon": ours}
    for transforms in ("v1", "v2"):
        commands[f"torchvision {transforms}"] = [sys.executable, __file__, "run", a.photos, "--workers", str(a.workers), "--batch", str(a.batch),
                                                 "--seconds", str(a.seconds), "--transforms", transforms]
    best = dict.fromkeys(commands, 0)
    for _ in range(a.rounds):
        for who, command in commands.items():
            out = subprocess.run(command, capture_output=True, text=True)
            if out.returncode != 0: sys.exit(f"{who} failed:\n{out.stderr[-2000:]}")
            speed = json.loads(out.stdout.splitlines()[-1])["img_s"]
            print(f"{who}: {speed:.1f} images/s", file=sys.stderr, flush=True)
            best[who] = max(best[who], speed)
    theirs = max(v for who, v in best.items() if who != "taxon")
    print(json.dumps({**{who: round(v, 1) for who, v in best.items()}, "ratio": round(best["taxon"] / theirs, 2)}))


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = p.add_subparsers(dest="verb", required=True)
    m = verbs.add_parser("make"); m.add_argument("images"); m.add_argument("out")
    m.add_argument("--side", type=int, default=500); m.add_argument("--count", type=int, default=400)
    for name in ("run", "compare"):
        v = verbs.add_parser(name); v.add_argument("photos")
        v.add_argument("--workers", type=int, default=2); v.add_argument("--batch", type=int, default=128); v.add_argument("--seconds", type=float, default=8)
        if name == "run": v.add_argument("--transforms", choices=("v1", "v2"), default="v1")
        else: v.add_argument("--taxon", default="build/release/taxon"); v.add_argument("--rounds", type=int, default=5)
    a = p.parse_args()
    if a.verb == "make": make(a.images, a.out, a.side, a.count)
    elif a.verb == "run": run(a.photos, a.workers, a.batch, a.seconds, a.transforms)
    else: compare(a)
