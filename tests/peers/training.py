"""Trains lenet and resnet20 from the same weights on the same batches in Taxon (f32), PyTorch f32 and
PyTorch f64, and compares the losses: over all steps, Taxon's largest distance from the f64 run must be
within 3 times that of PyTorch's f32 run, plus a floor for the rounding of the loss itself. (The first
difference of an ulp that moves an activation over a ReLU's corner makes the distance of resnet20 jump
a hundredfold, at another step in every f32 run, PyTorch's own variants included: single steps say little.)

Use: training.py PEER_TRAINING [--steps 50] [--batch 32]   (the program built from peer_training.cpp)
Exit code 77: PyTorch is not installed.
"""
import argparse, os, re, subprocess, sys, tempfile

try:
    import numpy as np, torch
    import torch.nn as nn, torch.nn.functional as F
    from safetensors.torch import load_file, save_file
except ImportError as error:
    print("SKIPPED:", error)
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bench", "peers"))
from torch_step import MODELS

parser = argparse.ArgumentParser()
parser.add_argument("peer")
parser.add_argument("--steps", type=int, default=50)
parser.add_argument("--batch", type=int, default=32)
args = parser.parse_args()
torch.set_num_threads(1)  # others may be using the machine, and a thread that waits for another spins


def taxon_name(name):
    """torch_step's names of a ResNet as torchvision's and Taxon's."""
    name = re.sub(r"^stem\.0\.", "conv1.", name)
    name = re.sub(r"^stem\.1\.", "bn1.", name)
    name = re.sub(r"^layers\.(\d+)\.", lambda m: f"layer{int(m[1]) // 3 + 1}.{int(m[1]) % 3}.", name)
    return name.replace(".down.", ".downsample.")


def batches(image, seed):
    """Pictures that can be learnt: a smooth pattern a class, shifted and noisy."""
    rng = np.random.default_rng(seed)
    c, h, w = image
    coarse = torch.from_numpy(rng.normal(size=(10, c, 7, 7)))
    patterns = F.interpolate(coarse, size=(h, w), mode="bilinear").numpy()
    y = rng.integers(0, 10, (args.steps, args.batch))
    x = patterns[y] + 0.7 * rng.normal(size=(args.steps, args.batch, c, h, w))
    return torch.from_numpy(x.astype("float32")), torch.from_numpy(y)


def torch_losses(net, x, y, dtype, lr, momentum, decay):
    net = net.to(dtype)
    sgd = torch.optim.SGD(net.parameters(), lr, momentum=momentum, nesterov=momentum > 0, weight_decay=decay)
    losses = []
    for xs, ys in zip(x, y):
        loss = F.cross_entropy(net(xs.to(dtype)), ys)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.item())
    return np.array(losses)


def compare(folder, model, seed, lr, momentum, decay):
    make, image = MODELS[model]
    torch.manual_seed(seed)
    start = make()
    x, y = batches(image, seed)
    source, result = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
    weights = {"w." + taxon_name(k): v.contiguous() for k, v in start.state_dict().items()}
    save_file({**weights, "x": x, "y": y}, source)

    def copy():
        net = make()
        net.load_state_dict(start.state_dict())
        return net

    exact = torch_losses(copy(), x, y, torch.float64, lr, momentum, decay)
    single = torch_losses(copy(), x, y, torch.float32, lr, momentum, decay)
    subprocess.run([args.peer, model, source, result, str(lr), str(momentum), str(decay)], check=True)
    taxon = load_file(result)["loss"].numpy()
    assert len(taxon) == args.steps and np.isfinite(taxon).all(), taxon
    far = lambda losses: np.abs(losses - exact).max()
    allowed = 3 * far(single) + 4 * np.finfo("float32").eps * np.abs(exact).max()
    ratio = far(taxon) / allowed
    print(f"{model:9s} seed {seed} momentum {momentum:.1f}: loss {exact[0]:.4f} -> {exact[-1]:.4f}; largest distance from f64 in "
          f"{args.steps} steps: Taxon {far(taxon):.2e}, PyTorch f32 {far(single):.2e}; share of what is allowed {ratio:.2f}", flush=True)
    return ratio <= 1


with tempfile.TemporaryDirectory() as folder:
    good = [compare(folder, model, seed, 0.01, momentum, decay)
            for model in ("lenet", "resnet20")
            for seed, momentum, decay in ((1, 0.0, 0.0), (2, 0.9, 5e-4))]
sys.exit(0 if all(good) else "FAILED: Taxon's losses are further from the f64 run than allowed")
