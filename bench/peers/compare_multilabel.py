"""Compares epochs of ResNet-18 (small stem, 128 pixels) on a multi-label CSV in Taxon and in PyTorch on this machine, in turn.

Use: compare_multilabel.py labels.csv [--taxon build/release/taxon] [--precision f32] [--modes f32-cl] [--rounds 3] [--others 0.12]
labels.csv has filename,labels,split. Taxon's side is `taxon train labels.csv --model resnet18 --stem small --size 128`, PyTorch's
torch_multilabel.py; how they are timed: compare_epochs.py. Where the processor has bf16: --precision bf16 --modes bf16-cl,f32-cl.
"""
import csv

from compare_epochs import compare, options

if __name__ == "__main__":
    a = options(__doc__, "f32-cl")
    with open(a.data, newline="") as file: images = sum(row["split"] == "train" for row in csv.DictReader(file))
    compare(a, images, [a.data, "--model", "resnet18", "--stem", "small", "--size", "128", "--no-calibrate"], "torch_multilabel.py")
