"""Trains a small-stem ResNet-18 from scratch on a multi-label CSV in PyTorch, by the recipe of `taxon train`.

Use: torch_multilabel.py labels.csv [--size 128] [--epochs 30] [--batch 32] [--lr 0.05] [--mode f32-cl|bf16-cl|f32] [--seed 0]
     [--threads 2] [--run-epochs N] [--predictions FILE]
labels.csv has filename,labels,split with labels separated by |. The same as
  taxon train labels.csv --model resnet18 --stem small
does: random parts of at least 35 % of the area and mirroring, binary cross-entropy, SGD with Nesterov momentum 0.9 and weight
decay 5e-4, torch's OneCycleLR by the step. --run-epochs stops after N epochs of that schedule (to time some). Prints one JSON
object an epoch (seconds of training alone) and one at the end with the mean average precision on val and test together, neither
of which decides anything here. --predictions writes true labels and probabilities of these as CSV.
"""
import argparse, csv, json, pathlib, time
import torch, torch.nn as nn, torch.nn.functional as F
from PIL import Image
from torchvision import transforms as T
from torchvision.models import resnet18

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Rows(torch.utils.data.Dataset):
    """Photos in memory as they are on disk, decoded and transformed when asked for."""
    def __init__(self, rows, names, folder, transform):
        self.images = [Image.open(folder / r["filename"]).convert("RGB") for r in rows]
        self.targets = [torch.tensor([float(n in r["labels"].split("|")) for n in names]) for r in rows]
        self.transform = transform

    def __len__(self): return len(self.images)
    def __getitem__(self, i): return self.transform(self.images[i]), self.targets[i]


def network(classes):
    """torchvision's ResNet-18 with the stem of He et al. for CIFAR: 3x3, stride 1, no pooling."""
    net = resnet18(num_classes=classes)
    net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    return net


def average_precision(scores, truth):
    """The mean over labels of the area under precision and recall by steps, as scikit-learn defines it."""
    areas = []
    for s, t in zip(scores.T, truth.T):
        if t.sum() == 0: continue
        order = s.argsort(descending=True)
        s, hits = s[order], t[order].cumsum(0)
        last = torch.cat([s[1:] != s[:-1], torch.tensor([True])])  # the end of each run of equal scores
        recall, precision = hits[last] / t.sum(), hits[last] / (torch.arange(len(s))[last] + 1)
        areas.append((precision * torch.diff(recall, prepend=torch.zeros(1))).sum().item())
    return sum(areas) / len(areas)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("csv"); p.add_argument("--size", type=int, default=128); p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--batch", type=int, default=32); p.add_argument("--lr", type=float, default=0.05); p.add_argument("--mode", default="f32-cl")
    p.add_argument("--seed", type=int, default=0); p.add_argument("--threads", type=int, default=2); p.add_argument("--run-epochs", type=int, default=0)
    p.add_argument("--predictions")
    a = p.parse_args()
    torch.manual_seed(a.seed); torch.set_num_threads(a.threads)
    rows = list(csv.DictReader(open(a.csv, newline="")))
    folder = pathlib.Path(a.csv).parent
    names = sorted({n for r in rows for n in r["labels"].split("|") if n})
    finish = [T.ToTensor(), T.Normalize(MEAN, STD)]
    train = Rows([r for r in rows if r["split"] == "train"], names, folder,
                 T.Compose([T.RandomResizedCrop(a.size, scale=(0.35, 1)), T.RandomHorizontalFlip(), *finish]))
    rest = Rows([r for r in rows if r["split"] != "train"], names, folder, T.Compose([T.Resize((a.size, a.size)), *finish]))
    layout = torch.contiguous_format if a.mode == "f32" else torch.channels_last
    net = network(len(names)).to(memory_format=layout)
    cast = lambda: torch.autocast("cpu", dtype=torch.bfloat16, enabled="bf16" in a.mode)
    opt = torch.optim.SGD(net.parameters(), a.lr, momentum=0.9, nesterov=True, weight_decay=5e-4)
    loader = torch.utils.data.DataLoader(train, a.batch, shuffle=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, a.lr, total_steps=a.epochs * len(loader), cycle_momentum=False)
    spent = 0.0
    for epoch in range(a.run_epochs or a.epochs):
        net.train()
        begin, total = time.perf_counter(), 0.0
        for x, y in loader:
            with cast(): loss = F.binary_cross_entropy_with_logits(net(x.contiguous(memory_format=layout)).float(), y)
            opt.zero_grad(); loss.backward(); opt.step(); schedule.step()
            total += loss.item() * len(x)
        seconds = time.perf_counter() - begin; spent += seconds
        print(json.dumps({"mode": a.mode, "epoch": epoch + 1, "seconds": seconds, "train_loss": total / len(train)}), flush=True)
    net.eval()
    scores = []
    with torch.inference_mode(), cast():
        for x, _ in torch.utils.data.DataLoader(rest, a.batch): scores.append(net(x.contiguous(memory_format=layout)).float().sigmoid())
    scores, truth = torch.cat(scores), torch.stack(rest.targets)
    if a.predictions:
        with open(a.predictions, "w", newline="") as out:
            w = csv.writer(out)
            w.writerow([f"{k}_{n}" for k in ("true", "prob") for n in names])
            w.writerows([[int(v) for v in t] + [f"{v:.6f}" for v in s] for t, s in zip(truth.tolist(), scores.tolist())])
    print(json.dumps({"seed": a.seed, "mode": a.mode, "train_seconds": spent, "mean_average_precision": average_precision(scores, truth)}), flush=True)


if __name__ == "__main__":
    main()
