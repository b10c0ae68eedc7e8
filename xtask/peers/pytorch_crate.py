"""CRATE in PyTorch, as a user would write it, to be timed beside ours by `cargo xtask bench --peer pytorch`.

The model follows the paper (Yu et al. 2023) and has the state names of the official checkpoints. Requests come as lines of JSON on
standard input, each is answered by one line of JSON on standard output:

    {"do": "load", "weights": F, "depth": L, "heads": K, "patch": P, "threads": T}   a model, in all modes
    {"do": "check", "input": F, "output": F}       logits, loss and every gradient of one batch, in f64
    {"do": "step", "mode": M, "input": F}          milliseconds of one training step: forward, loss, backward, Adam
    {"do": "forward", "mode": M, "input": F}       milliseconds of one forward pass without gradients
    {"do": "rates", "dtype": "f32" | "f64", "input": F}   milliseconds of R, R^c and the number of non-zeros of every layer
    {"do": "memory"}                               peak resident megabytes of this process so far

What is timed is done "repeats" times (1 where that is not said); the answer is the mean. A mode is "eager f32", "eager bf16",
"compiled f32" or "compiled bf16". Files are in safetensors.
"""

import ctypes
import json
import math
import resource
import struct
import sys
import time

try:
    import torch
    import torch.nn.functional as F
    from einops import rearrange
    from torch import nn
except ImportError as error:
    print(json.dumps({"error": f"{error}; pip install torch einops"}), flush=True)
    sys.exit(1)

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}


def read_tensors(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        values = torch.frombuffer(data[start:end], dtype=DTYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"]).clone()
    return tensors


def write_tensors(path, tensors):
    header, body, offset = {}, [], 0
    for name, tensor in sorted(tensors.items()):
        values = tensor.detach().to(torch.float64).contiguous()
        raw = ctypes.string_at(values.data_ptr(), 8 * values.numel())
        header[name] = {
            "dtype": "F64",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(raw)],
        }
        body.append(raw)
        offset += len(raw)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(body)


class Patches(nn.Module):
    def __init__(self, patch):
        super().__init__()
        self.patch = patch

    def forward(self, images):
        return rearrange(
            images, "b c (h p1) (w p2) -> b (h w) (p1 p2 c)", p1=self.patch, p2=self.patch
        )


class Attention(nn.Module):
    """Multi-head subspace self-attention: one projection serves as queries, keys and values."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, dim, bias=False)
        self.to_out = nn.Sequential(nn.Linear(dim, dim), nn.Dropout(0.0))

    def forward(self, x):
        w = rearrange(self.qkv(x), "b n (h d) -> b h n d", h=self.heads)
        scores = torch.matmul(w, w.transpose(-1, -2)) * self.scale
        out = torch.matmul(scores.softmax(dim=-1), w)
        return self.to_out(rearrange(out, "b h n d -> b n (h d)"))


class Ista(nn.Module):
    """One step of ISTA in the form of the paper, relu(x + step Dᵀ(x) - step Dᵀ(D x) - step threshold): three products."""

    def __init__(self, dim, step=0.1, threshold=0.1):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(dim, dim))
        self.step, self.threshold = step, threshold

    def forward(self, x):
        gram = F.linear(F.linear(x, self.weight), self.weight.t())
        update = self.step * (F.linear(x, self.weight.t()) - gram)
        return F.relu(x + update - self.step * self.threshold)


class Normed(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fn = fn

    def forward(self, x):
        return self.fn(self.norm(x))


class Transformer(nn.Module):
    def __init__(self, dim, depth, heads):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([Normed(dim, Attention(dim, heads)), Normed(dim, Ista(dim))])
            for _ in range(depth)
        )

    def forward(self, x):
        for attention, ista in self.layers:
            x = ista(attention(x) + x)
        return x


class Crate(nn.Module):
    def __init__(self, state, depth, heads, patch, dtype=torch.float32):
        super().__init__()
        classes, dim = state["mlp_head.1.weight"].shape
        tokens = state["pos_embedding"].shape[1]
        patch_dim = state["to_patch_embedding.1.weight"].shape[0]
        self.to_patch_embedding = nn.Sequential(
            Patches(patch), nn.LayerNorm(patch_dim), nn.Linear(patch_dim, dim), nn.LayerNorm(dim)
        )
        self.pos_embedding = nn.Parameter(torch.empty(1, tokens, dim))
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim))
        self.transformer = Transformer(dim, depth, heads)
        self.mlp_head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, classes))
        self.to(dtype).load_state_dict(state)

    def forward(self, images):
        x = self.to_patch_embedding(images)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        x = self.transformer(x + self.pos_embedding)
        return self.mlp_head(x[:, 0])


class Mode:
    """One model in one mode, with its optimizer."""

    def __init__(self, build, name):
        kind, self.dtype = name.split()
        self.model = build()
        self.call = torch.compile(self.model) if kind == "compiled" else self.model
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def autocast(self):
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.dtype == "bf16")

    def step(self, images, labels):
        self.optimizer.zero_grad()
        with self.autocast():
            loss = F.cross_entropy(self.call(images), labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def forward(self, images):
        with torch.no_grad(), self.autocast():
            return self.call(images).float().sum().item()


def rates(tokens, weights, heads):
    """R, R^c (γ = 1) and the number of non-zeros of each image at each layer; tokens [L, B, N, d], weights [L, d, d]."""
    total = 0.0
    for z, weight in zip(tokens, weights):
        n, dim = z.shape[-2:]
        head_dim = dim // heads

        def half_log_det(gram, gamma):
            eye = torch.eye(gram.shape[-1], dtype=gram.dtype)
            factor = torch.linalg.cholesky(eye + gamma * gram)
            return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

        r = half_log_det(z @ z.mT, dim / head_dim)
        v = rearrange(z @ weight.mT, "b n (h p) -> b h n p", h=heads)
        rc = half_log_det(v.mT @ v if head_dim < n else v @ v.mT, 1.0).sum(-1)
        total += (r.sum() + rc.sum() + (z != 0).sum()).item()
    return total


class Session:
    def __init__(self):
        self.modes, self.files = {}, {}

    def load(self, request):
        torch.set_num_threads(request["threads"])
        torch.manual_seed(0)
        state = read_tensors(request["weights"])
        sizes = [request[name] for name in ("depth", "heads", "patch")]
        self.build = lambda **options: Crate(state, *sizes, **options)
        self.heads = request["heads"]
        return {"torch": torch.__version__, "threads": torch.get_num_threads()}

    def tensors(self, path, dtype=torch.float32):
        if (path, dtype) not in self.files:
            read = read_tensors(path)
            self.files[path, dtype] = {
                name: t.to(torch.int64 if name == "labels" else dtype) for name, t in read.items()
            }
        return self.files[path, dtype]

    def mode(self, name):
        if name not in self.modes:
            self.modes[name] = Mode(self.build, name)
        return self.modes[name]

    def check(self, request):
        model = self.build(dtype=torch.float64)
        batch = self.tensors(request["input"], torch.float64)
        logits = model(batch["images"])
        loss = F.cross_entropy(logits, batch["labels"])
        loss.backward()
        found = {f"grad.{name}": p.grad for name, p in model.named_parameters()}
        write_tensors(request["output"], found | {"logits": logits, "loss": loss.reshape(1)})
        return {}

    def step(self, request):
        batch = self.tensors(request["input"])
        mode = self.mode(request["mode"])
        return timed(request, lambda: mode.step(batch["images"], batch["labels"]))

    def forward(self, request):
        images = self.tensors(request["input"])["images"]
        mode = self.mode(request["mode"])
        return timed(request, lambda: mode.forward(images))

    def rates(self, request):
        dtype = {"f32": torch.float32, "f64": torch.float64}[request["dtype"]]
        operands = self.tensors(request["input"], dtype)
        with torch.no_grad():
            compute = lambda: rates(operands["tokens"], operands["weights"], self.heads)
            return timed(request, compute)

    def memory(self, _request):
        return {"megabytes": peak_bytes() / 1e6}


def peak_bytes():
    """Peak resident bytes. On Linux ru_maxrss begins with what the process that started this one had."""
    if sys.platform == "linux":
        with open("/proc/self/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        return 1024 * int(lines["VmHWM"].split()[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def timed(request, operation):
    repeats = request.get("repeats", 1)
    start = time.perf_counter()
    for _ in range(repeats):
        value = operation()
    elapsed = 1e3 * (time.perf_counter() - start) / repeats
    if not math.isfinite(value):
        raise ValueError("the result is not finite")
    return {"ms": elapsed, "value": value}


def main():
    session = Session()
    operations = ("load", "check", "step", "forward", "rates", "memory")
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] not in operations:
                raise ValueError(f"expected one of {operations}, found {request['do']}")
            answer = getattr(session, request["do"])(request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
