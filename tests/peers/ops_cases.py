"""The cases of ops.py: for each op its text for the driver, inputs, and the same in PyTorch."""
import itertools

import torch, torch.nn.functional as F


class Case:
    """op and options as the driver reads them; inputs; f: the same in PyTorch; grad: the inputs whose
    gradient is asked for; length: how many roundings the longest sum takes; size: see ops.sizes."""

    def __init__(self, op, inputs, f, grad=(), length=8, size=None, exact=False, **options):
        self.op, self.inputs, self.f, self.grad = op, inputs, f, list(grad)
        self.length, self.size, self.exact, self.options = length, size, exact, options

    def text(self):
        join = lambda v: ",".join(map(str, v)) if isinstance(v, (list, tuple)) else str(int(v) if isinstance(v, bool) else v)
        absent = [i for i, t in enumerate(self.inputs) if t is None]
        words = [self.op, f"inputs={len(self.inputs)}"] + [f"{k}={join(v)}" for k, v in self.options.items()]
        words += [f"absent={join(absent)}"] * bool(absent) + [f"grad={join(self.grad)}"] * bool(self.grad)
        return " ".join(words)



def itself(inputs, dy, outputs, gradients):
    """Each result a few roundings of itself; gradients of terms as large as dy or themselves."""
    return outputs, [torch.maximum(g.abs().max(), dy.abs().max()) for g in gradients]


def pointwise(randn, positive):
    x, p = randn(3, 5, 7), positive(4, 33)
    for op, f in (("exp", torch.exp), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid), ("gelu", F.gelu), ("silu", F.silu)):
        for z in (x, 4 * randn(129)):
            yield Case(op, [z], f, [0], 16, itself)
    yield Case("relu", [x], F.relu, [0], exact=True)
    yield Case("neg", [x], lambda a: -a, [0], exact=True)
    yield Case("log", [p], torch.log, [0], 8, itself)
    yield Case("sqrt", [p], torch.sqrt, [0], 8, itself)
    yield Case("clamp", [x], lambda a: a.clamp(-0.5, 0.75), [0], exact=True, low=-0.5, high=0.75)
    for a in (0.5, -2.0, 3.0, 1.5):
        yield Case("pow_scalar", [p], lambda z, a=a: z**a, [0], 32, itself, a=a)
    yield Case("add_scalar", [x], lambda z: z + 1.25, [0], 2, a=1.25)
    yield Case("mul_scalar", [x], lambda z: z * -1.75, [0], 2, itself, a=-1.75)
    yield Case("rsub_scalar", [x], lambda z: 1.25 - z, [0], 2, itself, a=1.25)
    yield Case("rdiv_scalar", [p], lambda z: 1.5 / z, [0], 8, itself, a=1.5)
    yield Case("lerp_", [x, randn(3, 5, 7)], lambda y, z: y + 0.1 * (z - y), [], 4, a=0.1,
               size=lambda i, dy, y, g: ([i[0].abs().max() + i[1].abs().max()], []))
    for shapes in (((3, 5, 7), (3, 5, 7)), ((3, 5, 7), (7,)), ((3, 1, 7), (5, 1)), ((), (4,)), ((2, 33), (2, 1)), ((1, 6), (5, 1))):
        a, b = randn(*shapes[0]), randn(*shapes[1])
        count = 8 + 105
        yield Case("add", [a, b], torch.add, [0, 1], count)
        yield Case("sub", [a, b], torch.sub, [0, 1], count, size=lambda i, dy, y, g: ([i[0].abs().max() + i[1].abs().max()], [dy.abs().sum()] * 2))
        yield Case("mul", [a, b], torch.mul, [0, 1], count)
        yield Case("div", [a, positive(*shapes[1])], torch.div, [0, 1], count)
    yield Case("cast", [x.float().to(x.dtype)], lambda z: z.float().to(torch.bfloat16).double(), exact=True)


def products(randn):
    for ta, tb in itertools.product((False, True), repeat=2):
        for m, n, k in ((4, 5, 6), (33, 17, 65), (1, 9, 130)):
            for batch in ((), (3,)):
                a, b = randn(*batch, *((k, m) if ta else (m, k))), randn(*batch, *((n, k) if tb else (k, n)))
                f = lambda a, b, ta=ta, tb=tb: torch.matmul(a.transpose(-1, -2) if ta else a, b.transpose(-1, -2) if tb else b)
                yield Case("matmul", [a, b], f, [0, 1], 8 + max(m, n, k), trans_a=ta, trans_b=tb)
    yield Case("matmul", [randn(2, 3, 5, 6), randn(6, 4)], torch.matmul, [0, 1], 8 + 30)
    yield Case("matmul", [randn(5, 6), randn(3, 6, 4)], torch.matmul, [0, 1], 8 + 12)
    for shape in ((8, 12), (2, 5, 12), (65, 12)):
        for bias in (True, False):
            inputs = [randn(*shape), randn(10, 12), randn(10) if bias else None]
            yield Case("linear", inputs, F.linear, [0, 1, 2] if bias else [0, 1], 8 + 65)


def nchw(f):
    """f of NCHW images as a function of NHWC ones."""
    return lambda x, *rest: f(x.movedim(-1, 1), *rest).movedim(1, -1)


def convolutions(randn):
    rows = [  # n, h, w, in, out, kh, kw, options
        (2, 9, 9, 3, 8, 3, 3, {"pad_h": 1, "pad_w": 1}), (1, 8, 8, 16, 16, 3, 3, {"pad_h": 1, "pad_w": 1}),
        (3, 15, 15, 10, 17, 3, 3, {"pad_h": 1, "pad_w": 1}), (2, 16, 16, 16, 32, 3, 3, {"stride_h": 2, "stride_w": 2, "pad_h": 1, "pad_w": 1}),
        (2, 8, 8, 16, 24, 1, 1, {}), (2, 9, 9, 16, 24, 1, 1, {"stride_h": 2, "stride_w": 2}), (2, 14, 14, 6, 16, 5, 5, {}),
        (1, 28, 28, 1, 6, 5, 5, {"pad_h": 2, "pad_w": 2}), (2, 11, 7, 4, 6, 3, 2, {"stride_h": 2, "pad_w": 1}),
        (2, 10, 10, 4, 8, 3, 3, {"dilation_h": 2, "dilation_w": 2, "pad_h": 2, "pad_w": 2}), (2, 7, 7, 8, 12, 3, 3, {"groups": 4, "pad_h": 1, "pad_w": 1}),
        (2, 7, 7, 24, 24, 3, 3, {"groups": 24, "pad_h": 1, "pad_w": 1}), (1, 3, 3, 2, 3, 3, 3, {"pad_h": 3, "pad_w": 3}),
        (2, 32, 32, 3, 16, 7, 7, {"stride_h": 2, "stride_w": 2, "pad_h": 3, "pad_w": 3}), (2, 4, 4, 64, 64, 3, 3, {"pad_h": 1, "pad_w": 1})]
    for row, (n, h, w, c, out, kh, kw, o) in enumerate(rows):
        get = lambda name, default, o=o: (o.get(name + "_h", default), o.get(name + "_w", default))
        groups, bias = o.get("groups", 1), row % 2 == 0
        f = lambda x, k, b, get=get, groups=groups: nchw(lambda x: F.conv2d(
            x, k.movedim(-1, 1), b, get("stride", 1), get("pad", 0), get("dilation", 1), groups))(x)
        inputs = [randn(n, h, w, c), randn(out, kh, kw, c // groups), randn(out) if bias else None]
        # 16: what a Winograd transform of the tiles may add.
        yield Case("conv2d", inputs, f, [0, 1, 2] if bias else [0, 1], 16 + max(kh * kw * c, kh * kw * out, n * h * w), **o)


def pooling(randn):
    for n, h, w, c, k, s, p in ((2, 8, 8, 3, 2, 2, 0), (1, 9, 7, 10, 3, 2, 1), (2, 6, 6, 17, 3, 1, 1), (2, 7, 7, 4, 2, 3, 0)):
        o = {"kernel_h": k, "kernel_w": k, "stride_h": s, "stride_w": s, "pad_h": p, "pad_w": p}
        x = randn(n, h, w, c)
        yield Case("max_pool2d", [x], nchw(lambda x, k=k, s=s, p=p: F.max_pool2d(x, k, s, p)), [0], 16, itself, **o)
        for inside in (True, False):
            f = nchw(lambda x, k=k, s=s, p=p, inside=inside: F.avg_pool2d(x, k, s, p, count_include_pad=inside))
            yield Case("avg_pool2d", [x], f, [0], 24, **o, count_include_pad=inside)
    for n, h, w, c, out, k, p, relu in ((3, 28, 28, 1, 6, 5, 2, 1), (2, 13, 12, 3, 8, 3, 1, 0), (2, 10, 9, 5, 12, 3, 0, 1)):
        cut = F.relu if relu else (lambda y: y)
        f = lambda x, k, b, p=p, cut=cut: nchw(lambda x: cut(F.max_pool2d(F.conv2d(x, k.movedim(-1, 1), b, 1, p), 2)))(x)
        yield Case("conv2d_max_pool", [randn(n, h, w, c), randn(out, k, k, c), randn(out)], f, [0, 1, 2],
                   16 + max(k * k * c, k * k * out, n * h * w), pad_h=p, pad_w=p, relu=relu)
    for out in ((1, 1), (3, 2), (7, 7)):
        yield Case("adaptive_avg_pool2d", [randn(2, 7, 7, 5)], nchw(lambda x, out=out: F.adaptive_avg_pool2d(x, out)), [0], 64, out_h=out[0], out_w=out[1])
    yield Case("global_avg_pool", [randn(3, 4, 5, 11)], lambda x: x.mean((1, 2)), [0], 32)


def norms(randn, positive):
    def batch_norm(x, w, b):
        flat = x.reshape(-1, x.shape[-1])
        mean, var = flat.mean(0), flat.var(0, unbiased=False)
        y = F.batch_norm(flat, None, None, w, b, True, 0.0, 1e-5).reshape(x.shape)
        return y, mean.detach(), var.detach()

    def normalised(eps, axes):
        """Terms of y = xhat w + b and of dx = w / sigma (dy - mean dy - xhat mean(dy xhat)). The mean is
        taken off x, so its size counts against sigma."""
        def size(inputs, dy, y, g):
            x, w = inputs[0], inputs[1]
            over = axes(x)
            sigma = (x.var(over, unbiased=False, keepdim=True) + eps).sqrt()
            xhat = (x.abs() + x.mean(over, keepdim=True).abs()) / sigma
            scale = torch.ones(1).double() if w is None else w.abs().max()
            ys = [xhat.max() * scale + (0 if inputs[2] is None else inputs[2].abs().max())]
            if len(y) > 1:
                ys += [x.abs().max(), (x * x).max()]
            terms = (dy.abs().max() * (1 + xhat.max() ** 2) * scale / sigma.min(), (dy.abs() * xhat).sum(), dy.abs().sum())
            return ys, [terms[i] for i in range(len(g))]
        return size

    for shape in ((4, 5, 5, 3), (2, 3, 3, 16), (33, 17), (2, 4, 4, 24)):
        c, n = shape[-1], int(torch.tensor(shape[:-1]).prod())
        for affine in (True, False):
            x, w, b = 2 * randn(*shape) + 0.5, randn(c) if affine else None, randn(c) if affine else None
            grad, over = [0, 1, 2] if affine else [0], lambda x: tuple(range(x.dim() - 1))
            yield Case("batch_norm_train", [x, w, b], batch_norm, grad, 16 + n, normalised(1e-5, over), eps=1e-5)
            mean, var = randn(c), positive(c)
            f = lambda x, w, b, m, v: F.batch_norm(x.reshape(-1, x.shape[-1]), m, v, w, b, False, 0.0, 1e-5).reshape(x.shape)

            def size(inputs, dy, y, g):
                x, w, b, m, v = inputs
                xhat, scale = (x.abs() + m.abs()) / (v + 1e-5).sqrt(), 1.0 if w is None else w.abs().max()
                return [xhat.max() * scale + (0 if b is None else b.abs().max())], [
                    (dy.abs().max() * scale / (v + 1e-5).sqrt().min(), (dy.abs() * xhat).sum(), dy.abs().sum())[i] for i in range(len(g))]
            yield Case("batch_norm_infer", [x, w, b, mean, var], f, grad, 16 + n, size, eps=1e-5)
            last = lambda x: (-1,)
            g = lambda x, w, b: F.layer_norm(x, (x.shape[-1],), w, b, 1e-5)
            yield Case("layer_norm", [x, w, b], g, grad, 16 + max(n, c), normalised(1e-5, last), eps=1e-5)


def losses(randn, positive, dtype):
    def size(inputs, dy, y, g):  # softmax and its logarithm: terms as large as the logits' range
        x = inputs[0]
        return [x.abs().max() * 2 + 8] * len(y), [dy.abs().max() * (x.abs().max() * 2 + 2)] * len(g)

    for shape, axis in (((4, 10), -1), ((3, 5, 7), 1), ((2, 1000), -1), ((6, 17), 0)):
        x = 3 * randn(*shape)
        yield Case("softmax", [x], lambda x, axis=axis: F.softmax(x, axis), [0], 16 + shape[axis], size, axis=axis)
        yield Case("log_softmax", [x], lambda x, axis=axis: F.log_softmax(x, axis), [0], 16 + shape[axis], size, axis=axis)
    reductions = {0: "none", 1: "mean", 2: "sum"}
    for (n, c), reduction in itertools.product(((8, 10), (33, 3)), reductions):
        x, index = 3 * randn(n, c), torch.randint(0, c, (n,))
        index[1] = -100
        soft, weight = F.softmax(randn(n, c), 1), positive(c)
        for smoothing, w, y in itertools.product((0.0, 0.1), (None, weight), (index, soft)):
            f = lambda x, y, w, s=smoothing, r=reduction: F.cross_entropy(x, y, w, label_smoothing=s, reduction=reductions[r])
            big = lambda inputs, dy, y, g: ([(inputs[0].abs().max() * 2 + 8) * n * 2] * len(y), [dy.abs().max() * 8] * len(g))
            yield Case("cross_entropy", [x, y, w], f, [0], 16 + c + n, big, label_smoothing=smoothing, reduction=reduction)
        target = torch.rand(n, c).to(dtype)
        for w in (None, weight):
            f = lambda x, y, w, r=reduction: F.binary_cross_entropy_with_logits(x, y, pos_weight=w, reduction=reductions[r])
            big = lambda inputs, dy, y, g: ([inputs[0].abs().max() * 4 * (n * c if y[0].dim() == 0 else 1)] * len(y), [dy.abs().max() * 4] * len(g))
            yield Case("bce_with_logits", [x, target, w], f, [0], 16, big, reduction=reduction)


def reductions(randn):
    x = randn(3, 4, 5, 6)
    for axes, keep in (([], False), ([1], True), ([0, 2], False), ([3], False), ([0, 1, 2], True)):
        over = tuple(axes) if axes else (0, 1, 2, 3)
        yield Case("sum", [x], lambda x, over=over, keep=keep: x.sum(over, keepdim=keep), [0], 8 + 360, axes=axes, keep=keep)
        yield Case("mean", [x], lambda x, over=over, keep=keep: x.mean(over, keepdim=keep), [0], 8 + 360, axes=axes, keep=keep)
    for axis in (0, 2, -1):
        yield Case("max", [x], lambda x, axis=axis: x.max(axis, keepdim=True).values, [0], exact=True, axis=axis, keep=True)
        yield Case("argmax", [x], lambda x, axis=axis: x.argmax(axis), exact=True, axis=axis)


def movement(randn):
    x = randn(3, 4, 5)
    yield Case("reshape", [x], lambda x: x.reshape(6, 10), [0], exact=True, shape=[6, 10])
    yield Case("flatten", [x], lambda x: x.flatten(1), [0], exact=True, axis=1)
    for axes in ([2, 0, 1], [0, 2, 1], [1, 0, 2]):
        yield Case("transpose", [x], lambda x, axes=axes: x.permute(axes), [0], exact=True, axes=axes)
    for axis in (0, 1, 2):
        parts = [x, x.narrow(axis, 0, 2).clone(), randn(3, 4, 5)]
        yield Case("concat", parts, lambda *p, axis=axis: torch.cat(p, axis), [0, 1, 2], exact=True, axis=axis)
        index = torch.tensor([2, 0, 2, 1])
        yield Case("gather", [x, index], lambda x, i, axis=axis: x.index_select(axis, i), [0], 4, axis=axis)
    for axis, begin, end, step in ((0, 1, 3, 1), (1, 0, 4, 2), (2, 1, 5, 3)):
        f = lambda x, axis=axis, s=slice(begin, end, step): x[tuple([slice(None)] * axis + [s])]
        yield Case("slice", [x], f, [0], exact=True, axis=axis, begin=begin, end=end, step=step)
    f = lambda x: F.pad(x, (3, 0, 0, 2, 1, 1), value=0.5)
    yield Case("pad", [x], f, [0], exact=True, before=[1, 0, 3], after=[1, 2, 0], value=0.5)
    yield Case("one_hot", [torch.tensor([[0, 3], [2, 2]])], lambda i: F.one_hot(i, 5).double(), exact=True, classes=5)


def dropout(randn):
    for p in (0.0, 0.25, 0.5):  # the expected values are made in ops.py
        yield Case("dropout", [randn(64, 64)], lambda x: x, [0], 4, itself, p=p)


def cases(dtype):
    torch.manual_seed(0)
    randn = lambda *shape: torch.randn(shape, dtype=torch.float64).to(dtype)
    positive = lambda *shape: (torch.rand(shape, dtype=torch.float64) * 2 + 0.25).to(dtype)
    groups = (pointwise(randn, positive), products(randn), convolutions(randn), pooling(randn), norms(randn, positive),
              losses(randn, positive, dtype), reductions(randn), movement(randn), dropout(randn))
    return [case for group in groups for case in group]
