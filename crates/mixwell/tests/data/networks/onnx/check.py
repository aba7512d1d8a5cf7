"""Shows that others read the ONNX files that Mixwell writes.

    python check.py path/to/mixwell [FOLDER]

Every NAME.onnx of the folder is converted by `mixwell network convert` to ONNX (by way of a safetensors file, too), and onnxruntime
computes with what was written. Its outputs must be those of NAME.npz, PyTorch's in double precision, to 1e-5 of the largest.
Needs numpy, onnx and onnxruntime; made with onnx 1.23.2 and onnxruntime 1.32.0.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

HERE = os.path.dirname(os.path.abspath(__file__))


def outputs(path, x):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    # One row and several: the number of rows is open.
    all_rows = session.run(None, {"x": x})[0]
    one = session.run(None, {"x": x[:1]})[0]
    assert np.allclose(one, all_rows[:1], rtol=1e-5, atol=1e-6), path
    return all_rows


def main():
    mixwell = sys.argv[1]
    folder = sys.argv[2] if len(sys.argv) > 2 else HERE
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for name in sorted(f for f in os.listdir(folder) if f.endswith(".onnx")):
            reference = np.load(os.path.join(folder, name.removesuffix(".onnx").removesuffix("_dynamo") + ".npz"))
            middle, written = (os.path.join(scratch, name + end) for end in [".safetensors", ".onnx"])
            for given, made in [(os.path.join(folder, name), middle), (middle, written)]:
                subprocess.run([mixwell, "network", "convert", given, made], check=True)
            y = reference["y"]
            error = np.abs(outputs(written, reference["x"].astype(np.float32)) - y).max() / np.abs(y).max()
            failed |= not error < 1e-5
            print(f"{name:30} {error:.1e}", "" if error < 1e-5 else "FAILED")
    sys.exit(failed)


if __name__ == "__main__":
    main()
