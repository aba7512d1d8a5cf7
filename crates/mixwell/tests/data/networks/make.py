"""Writes the small network files beside this script, with Python's standard library alone: `python3 make.py`.

They are laid out as torch.save, numpy.savez and safetensors lay them out. Number i of an array is ((7 i + 3) % 11 - 5) / 4.
"""

import argparse
import collections
import io
import json
import os
import pickle
import struct
import sys
import types
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
DATE = (1980, 1, 1, 0, 0, 0)


def values(n, first=0):
    return [((7 * i + 3) % 11 - 5) / 4 for i in range(first, first + n)]


# Modules of the names that a checkpoint mentions, with nothing in them.
def module(name):
    made = types.ModuleType(name)
    sys.modules[name] = made
    return made


torch, utils = module("torch"), module("torch._utils")


def named(where, name):
    def stand_in(*arguments):
        raise RuntimeError(name)

    stand_in.__name__ = stand_in.__qualname__ = name
    stand_in.__module__ = where.__name__
    setattr(where, name, stand_in)
    return stand_in


rebuild_1, rebuild_2 = named(utils, "_rebuild_tensor"), named(utils, "_rebuild_tensor_v2")
parameter = named(utils, "_rebuild_parameter")
CODES = {"Float": "f", "Double": "d", "Half": "e", "BFloat16": None, "Long": "q", "Int": "i", "Short": "h", "Char": "b", "Byte": "B", "Bool": "?"}
CLASSES = {name: named(torch, name + "Storage") for name in CODES}


class Storage:
    def __init__(self, kind, numbers):
        self.kind, self.numbers = kind, numbers

    def bytes(self):
        if self.kind == "BFloat16":
            return b"".join(struct.pack("<f", v)[2:] for v in self.numbers)
        return struct.pack("<%d%s" % (len(self.numbers), CODES[self.kind]), *self.numbers)


class Tensor:
    def __init__(self, storage, shape, strides=None, offset=0, version=2):
        if strides is None:
            strides, step = [], 1
            for size in reversed(shape):
                strides.insert(0, step)
                step *= size
        self.arguments = (storage, offset, tuple(shape), tuple(strides))
        self.version = version

    def __reduce__(self):
        if self.version == 1:
            return rebuild_1, self.arguments
        return rebuild_2, self.arguments + (False, collections.OrderedDict())


class Parameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return parameter, (self.tensor, True, collections.OrderedDict())


def tensor(*shape, first=0, kind="Float", version=2):
    n = 1
    for size in shape:
        n *= size
    numbers = values(n, first)
    if kind not in ("Float", "Double", "Half", "BFloat16"):
        numbers = [int(4 * v) + (5 if kind in ("Byte", "Bool") else 0) for v in numbers]
    return Tensor(Storage(kind, numbers), shape, version=version)


class Pickler(pickle.Pickler):
    def __init__(self, file, legacy=False):
        super().__init__(file, protocol=2)
        self.storages, self.legacy = [], legacy

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        if value not in self.storages:
            self.storages.append(value)
        name = ("storage", CLASSES[value.kind], str(self.storages.index(value)), "cuda:0", len(value.numbers))
        return name + (None,) if self.legacy else name


def archive(entries, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in entries:
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = method
            z.writestr(info, data)
    return out.getvalue()


def torch_zip(value, root="archive", method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    pickler = Pickler(out)
    pickler.dump(value)
    entries = [(f"{root}/data.pkl", out.getvalue()), (f"{root}/byteorder", b"little")]
    entries += [(f"{root}/data/{i}", s.bytes()) for i, s in enumerate(pickler.storages)]
    return archive(entries + [(f"{root}/version", b"3\n")], method)


def torch_legacy(value):
    out = io.BytesIO()
    pickle.dump(0x1950A86A20F9469CFC6C, out, protocol=2)
    pickle.dump(1001, out, protocol=2)
    pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}, out, protocol=2)
    pickler = Pickler(out, legacy=True)
    pickler.dump(value)
    pickle.dump([str(i) for i in range(len(pickler.storages))], out, protocol=2)
    for s in pickler.storages:
        out.write(struct.pack("<q", len(s.numbers)) + s.bytes())
    return out.getvalue()


def state(pairs):
    made = collections.OrderedDict(pairs)
    made._metadata = collections.OrderedDict([("", {"version": 1})])
    return made


def npy(descr, code, shape, numbers, fortran=False, version=1):
    header = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }" % (descr, fortran, "".join("%d, " % n for n in shape))
    before = 10 if version == 1 else 12
    header += " " * (-(before + len(header) + 1) % 64) + "\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    order = ">" if descr[0] == ">" else "<"
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + struct.pack("%s%d%s" % (order, len(numbers), code), *numbers)


def npy_files():
    columns = [values(6)[row * 3 + column] for column in range(3) for row in range(2)]
    return [
        ("l0/W.npy", npy("<f4", "f", (2, 3), values(6))),
        ("l0/b.npy", npy("<f8", "d", (3,), values(3))),
        ("turned.npy", npy("<f4", "f", (2, 3), columns, fortran=True)),
        ("big.npy", npy(">f8", "d", (2,), values(2), version=2)),
        ("count.npy", npy("<i4", "i", (), [42], version=3)),
        ("mask.npy", npy("|b1", "?", (2,), [True, False])),
    ]


def safetensors():
    arrays = [("conv.weight", "F32", (2, 1, 3, 3), "f", values(18)), ("conv.bias", "F64", (2,), "d", values(2)), ("steps", "I64", (), "q", [7])]
    header, data = {"__metadata__": {"kind": "critic"}}, b""
    for name, kind, shape, code, numbers in arrays:
        own = struct.pack("<%d%s" % (len(numbers), code), *numbers)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(own)]}
        data += own
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def small(version=2):
    return state([
        ("0.weight", tensor(4, 1, 3, 3, version=version)),
        ("0.bias", tensor(4, version=version)),
        ("1.running_var", tensor(4, first=3, version=version)),
        ("1.num_batches_tracked", tensor(kind="Long", version=version)),
    ])


def kinds():
    shared = Storage("Float", values(12))
    pairs = [(kind.lower(), tensor(5, kind=kind)) for kind in CODES]
    pairs += [
        ("transposed", Tensor(shared, (3, 4), (1, 3))),
        ("part", Tensor(shared, (2, 2), (4, 2), 1)),
        ("repeated", Tensor(shared, (3, 2), (0, 1), 4)),
        ("empty", tensor(0, 3)),
        ("parameter", Parameter(tensor(2))),
    ]
    return state(pairs)


def lightning():
    weights = [("module." + name, value) for name, value in small().items()]
    return {
        "epoch": 3,
        "state_dict": state(weights),
        "optimizer_states": [{"state": {0: {"step": 5, "exp_avg": tensor(4)}}, "param_groups": [{"lr": 1e-3, "params": [0, 1]}]}],
        "hyper_parameters": argparse.Namespace(width=4),
    }


def spectral():
    return state([
        ("0.weight_orig", tensor(2, 3)),
        ("0.weight_u", Tensor(Storage("Float", [-0.6, 0.8]), (2,))),
        ("0.weight_v", Tensor(Storage("Float", [-0.5, 0.5, -0.5]), (3,))),
    ])


class Command:
    def __reduce__(self):
        return os.system, ("touch hacked",)


def main():
    files = {
        "state_dict.pth": torch_zip(small()),
        "deflated.pth": torch_zip(small(), "model", zipfile.ZIP_DEFLATED),
        "legacy.pth": torch_legacy(small()),
        "legacy_v1.th": torch_legacy({"state_dict": small(version=1), "best_prec1": 91.5}),
        "lightning.ckpt": torch_zip(lightning()),
        "pair.pth": torch_zip((small(), spectral())),
        "pair_legacy.pth": torch_legacy((small(), spectral())),
        "kinds.pt": torch_zip(kinds()),
        "spectral.pth": torch_zip(spectral()),
        "command.pth": torch_zip({"state_dict": Command()}),
        "arrays.npz": archive(npy_files()),
        "arrays_deflated.npz": archive(npy_files(), zipfile.ZIP_DEFLATED),
        "matrix.npy": npy("<f4", "f", (2, 3), values(6)),
        "arrays.safetensors": safetensors(),
    }
    for name, data in files.items():
        with open(os.path.join(HERE, name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
