"""Trains airnet on CIFAR-10 in PyTorch by the recipe of `taxon train cifar10 --model airnet`.

Use: torch_airnet.py DATA_DIR [--mode bf16-cl|f32-cl|f32] [--epochs 10] [--run-epochs N] [--seed 0] [--threads 2]
DATA_DIR holds the binary files, or a folder cifar10 or cifar-10-batches-bin of them. --run-epochs stops after N epochs of the schedule for --epochs (to time one).
Prints one JSON object an epoch (seconds of training alone, plain test accuracy) and one at the end (with the six views).
Network, augmentation and schedule: Keller Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024), for 10 whole
epochs instead of 9.9. Start it with MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=16000000000 (see torch_step.py).
"""
import argparse, json, pathlib, time
import torch, torch.nn as nn, torch.nn.functional as F

BATCH, LR, WD, MOMENTUM, NORM_BIAS, EVERY, SMOOTHING = 1024, 1.5, 1.33e-3, 0.85, 64, 5, 0.2
MEAN, STD = torch.tensor([0.4914, 0.4822, 0.4465]), torch.tensor([0.2470, 0.2435, 0.2616])


def load(folder, names):
    raw = torch.cat([torch.frombuffer(bytearray((folder / n).read_bytes()), dtype=torch.uint8).view(-1, 3073) for n in names])
    x = (raw[:, 1:].view(-1, 3, 32, 32).float() / 255 - MEAN.view(1, 3, 1, 1)) / STD.view(1, 3, 1, 1)
    return x, raw[:, 0].long()


def conv(i, o):
    c = nn.Conv2d(i, o, 3, padding=1, bias=False)
    nn.init.dirac_(c.weight.data[:i])
    return c


class Norm(nn.BatchNorm2d):
    def __init__(self, c):
        super().__init__(c, eps=1e-12, momentum=0.4)
        self.weight.requires_grad = False


class Group(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv1, self.norm1, self.conv2, self.norm2 = conv(i, o), Norm(o), conv(o, o), Norm(o)

    def forward(self, x):
        return F.gelu(self.norm2(self.conv2(F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2))))))


class AirNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad = False
        nn.init.zeros_(self.whiten.bias)
        self.groups = nn.Sequential(Group(24, 64), Group(64, 256), Group(256, 256))
        self.fc = nn.Linear(256, 10, bias=False)

    def forward(self, x):
        x = F.max_pool2d(self.groups(F.gelu(self.whiten(x))), 3).flatten(1)
        return self.fc(x) / 9

    def fit_to_data(self, images):
        p = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12).double()
        values, vectors = torch.linalg.eigh(p.T @ p / len(p))
        w = (vectors / torch.sqrt(values + 5e-4)).T.flip(0).float().view(12, 3, 2, 2)
        self.whiten.weight.data.copy_(torch.cat([w, -w]))


def rate(step, total):
    top = int(0.23 * total)
    return 0.2 + 0.8 * step / top if step < top else 1 + (0.07 - 1) * (step - top) / (total - top)


def batches(images, labels, first, epoch):
    """Shifts by up to 2 pixels with reflected edges, each image mirrored in every other epoch."""
    pad = F.pad(images, (2, 2, 2, 2), "reflect")
    mirrored = first ^ bool(epoch % 2)
    order = torch.randperm(len(images))
    for at in range(0, len(images) - BATCH + 1, BATCH):
        i = order[at:at + BATCH]
        dy, dx = torch.randint(0, 5, (2, BATCH))
        rows, cols = dy[:, None] + torch.arange(32), dx[:, None] + torch.arange(32)
        cols = torch.where(mirrored[i][:, None], cols.flip(1), cols)
        yield pad[i[:, None, None], :, rows[:, :, None], cols[:, None, :]].permute(0, 3, 1, 2), labels[i]


def views(net, x):
    both = lambda z: 0.5 * net(z) + 0.5 * net(z.flip(-1))
    p = F.pad(x, (1,) * 4, "reflect")
    return 0.5 * both(x) + 0.25 * both(p[:, :, 0:32, 0:32]) + 0.25 * both(p[:, :, 2:34, 2:34])


def accuracy(run, images, labels):
    with torch.inference_mode():
        hits = sum((run(x).argmax(1) == y).sum().item() for x, y in zip(images.split(1000), labels.split(1000)))
    return hits / len(images)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("data"); p.add_argument("--mode", default="bf16-cl"); p.add_argument("--epochs", type=int, default=10)
    p.add_argument("--run-epochs", type=int, default=0); p.add_argument("--seed", type=int, default=0); p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.manual_seed(a.seed); torch.set_num_threads(a.threads)
    under = [pathlib.Path(a.data) / f for f in ("", "cifar-10-batches-bin", "cifar10", "cifar10/cifar-10-batches-bin")]
    folder = next((f for f in under if (f / "data_batch_1.bin").exists()), under[0])
    images, labels = load(folder, [f"data_batch_{i}.bin" for i in range(1, 6)])
    tests, truth = load(folder, ["test_batch.bin"])
    layout = torch.contiguous_format if a.mode == "f32" else torch.channels_last
    images, tests = images.contiguous(memory_format=layout), tests.contiguous(memory_format=layout)
    net = AirNet()
    net.fit_to_data(images[:5000])
    net = net.to(memory_format=layout)
    cast = lambda: torch.autocast("cpu", dtype=torch.bfloat16, enabled="bf16" in a.mode)
    biases = [q for k, q in net.named_parameters() if "norm" in k and q.requires_grad]
    others = [q for k, q in net.named_parameters() if "norm" not in k and q.requires_grad]
    opt = torch.optim.SGD([{"params": biases, "scale": NORM_BIAS, "weight_decay": WD / NORM_BIAS},
                           {"params": others, "scale": 1, "weight_decay": WD}], LR, momentum=MOMENTUM, nesterov=True, foreach=True)
    first = torch.rand(len(images)) < 0.5
    total, step, slow, spent = a.epochs * (len(images) // BATCH), 0, None, 0.0
    floating = lambda: [t for t in net.state_dict().values() if t.is_floating_point()]

    def pull(decay):
        with torch.no_grad():
            for s, w in zip(slow, floating()): s.lerp_(w, 1 - decay); w.copy_(s)

    for epoch in range(a.run_epochs or a.epochs):
        net.train(); net.whiten.bias.requires_grad = epoch < 3
        begin = time.perf_counter()
        for x, y in batches(images, labels, first, epoch):
            for g in opt.param_groups: g["lr"] = LR * rate(step, total) * g["scale"]
            with cast(): loss = F.cross_entropy(net(x.contiguous(memory_format=layout)).float(), y, label_smoothing=SMOOTHING)
            opt.zero_grad(); loss.backward(); opt.step()
            step += 1
            if step >= total * 3 // 10 and step % EVERY == 0:
                if slow is None: slow = [t.clone() for t in floating()]
                else: pull(0.95 ** EVERY * (step / total) ** 3)
        if slow is not None: pull(1.0)
        seconds = time.perf_counter() - begin; spent += seconds
        net.eval()
        with cast(): hits = accuracy(net, tests, truth)
        print(json.dumps({"peer": "torch " + torch.__version__, "mode": a.mode, "epoch": epoch + 1, "seconds": seconds, "accuracy": hits}), flush=True)
    with cast(): hits = accuracy(lambda x: views(net, x), tests, truth)
    print(json.dumps({"seed": a.seed, "mode": a.mode, "train_seconds": spent, "accuracy_views": hits}), flush=True)


if __name__ == "__main__":
    main()
