"""Compares forward and gradients of every op with PyTorch on random inputs, in f32 and f64.

The expected values are PyTorch's in double. Tolerances are derived: u = half the epsilon of the dtype;
a sum of L products may be off by (L + few) u times the sum of the products' sizes, which the same op
applied to absolute values gives; other ops by a few u times the size of the terms they are made of.

Use: ops.py PEER_OPS   (the program built from peer_ops.cpp)
Exit code 77: PyTorch is not installed.
"""
import os, subprocess, sys, tempfile

try:
    import torch, torch.nn.functional as F
    from safetensors.torch import load_file, save_file
except ImportError as error:
    print("SKIPPED:", error)
    sys.exit(77)

from ops_cases import cases

U = {torch.float32: 2.0**-24, torch.float64: 2.0**-53}


def evaluate(case, inputs, dy):
    """PyTorch's result and gradients."""
    inputs = [None if t is None else t.clone() for t in inputs]
    for i in case.grad:
        inputs[i].requires_grad_()
    y = case.f(*inputs)
    outputs = list(y) if isinstance(y, tuple) else [y]
    if dy is not None:
        outputs[0].backward(dy)
    return [t.detach() for t in outputs], [inputs[i].grad for i in case.grad]


def sizes(case, inputs, dy, outputs, gradients):
    """For each result and gradient: how large the terms are that it is a sum of."""
    if case.size is None:  # the op on absolute values
        absolute = [t.abs() if t is not None and t.is_floating_point() else t for t in inputs]
        y, g = evaluate(case, absolute, None if dy is None else dy.abs())
        return y, g
    return case.size(inputs, dy, outputs, gradients)


def dropout_reference(case, x, dy, y):
    """The mask is Taxon's own; what it does to values and gradients is not."""
    p, mask = case.options["p"], (y != 0).double()
    share = mask.mean().item()
    assert abs(share - (1 - p)) < 5 * (p * (1 - p) / x.numel()) ** 0.5 + 1e-12, f"dropout p={p} keeps {share}"
    return [x * mask / (1 - p)], [dy * mask / (1 - p)]


def check(dtype, folder, peer, isa):
    data, texts, expected = {}, {}, {}
    for number, case in enumerate(cases(dtype)):
        name = f"{number:03d}"
        texts[name] = case.text()
        for i, t in enumerate(case.inputs):
            if t is not None:
                data[f"{name}.in{i}"] = t.contiguous().clone()
        double = [t.double() if t is not None and t.is_floating_point() else t for t in case.inputs]
        dy = None
        if case.grad:
            y, _ = evaluate(case, double, None)
            torch.manual_seed(number)
            dy = torch.randn(y[0].shape, dtype=dtype)
            data[f"{name}.dy"] = dy.clone()
            dy = dy.double()
        expected[name] = (case, double, dy, *evaluate(case, double, dy))
    source, result = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
    save_file(data, source, metadata=texts)
    subprocess.run([peer, source, result], check=True, env={**os.environ, "TAXON_ISA": isa})
    got, worst, bad = load_file(result), {}, 0
    for name, (case, inputs, dy, outputs, gradients) in expected.items():
        if case.op == "dropout":
            outputs, gradients = dropout_reference(case, inputs[0], dy, got[f"{name}.y0"])
        size_y, size_g = sizes(case, inputs, dy, outputs, gradients)
        rows = [("y", i, y, s) for i, (y, s) in enumerate(zip(outputs, size_y))]
        rows += [("g", i, g, s) for i, (g, s) in enumerate(zip(gradients, size_g))]
        for kind, i, reference, size in rows:
            value = got[f"{name}.{kind}{i}"]
            what = f"{isa} {str(dtype)[6:]} {case.text()}: {'result' if kind == 'y' else 'gradient'} {i}"
            if value.shape != reference.shape:
                bad += 1
                print(f"FAILED: {what}: shape {list(value.shape)}, expected {list(reference.shape)}")
                continue
            if not reference.is_floating_point() or case.exact:
                share = 0.0 if torch.equal(value.to(reference.dtype), reference) else float("inf")
            else:
                tolerance = case.length * U[dtype] * size.abs().max().item() + 1e-300
                share = (value.double() - reference).abs().max().item() / tolerance
            worst[case.op] = max(worst.get(case.op, 0.0), share)
            if not share <= 1:
                bad += 1
                print(f"FAILED: {what}: {share:.2f} times the tolerance")
    print(f"{isa} {str(dtype)[6:]}: {len(expected)} cases of {len(worst)} ops; largest share of the tolerance: "
          + ", ".join(f"{op} {share:.2f}" for op, share in sorted(worst.items(), key=lambda x: -x[1])[:6]), flush=True)
    return bad


if __name__ == "__main__":
    flags = open("/proc/cpuinfo").read().split() if os.path.exists("/proc/cpuinfo") else []
    isas = ["baseline"] + ["avx2"] * ("avx2" in flags) + ["avx512"] * ("avx512bw" in flags)
    with tempfile.TemporaryDirectory() as folder:
        failures = sum(check(dtype, folder, sys.argv[1], isa) for isa in isas for dtype in (torch.float32, torch.float64))
    sys.exit(f"{failures} comparisons failed" if failures else 0)
