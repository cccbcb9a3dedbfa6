"""Compares epochs of airnet on CIFAR-10 in Taxon and in PyTorch on this machine, one after the other in turn.

Use: compare_airnet.py DATA_DIR [--taxon build/release/taxon] [--precision bf16] [--modes bf16-cl,f32-cl] [--rounds 3] [--others 0.12]
Taxon's side is `taxon train cifar10 --model airnet`, PyTorch's torch_airnet.py; how they are timed: compare_epochs.py.
"""
from compare_epochs import compare, options

IMAGES = 48 * 1024  # of torch_airnet.py's epoch

if __name__ == "__main__":
    a = options(__doc__, "bf16-cl,f32-cl")
    compare(a, IMAGES, ["cifar10", "--data-dir", a.data, "--model", "airnet"], "torch_airnet.py")
