"""One process of `make bench-embed`: onnxruntime alone. infer.py MODEL COUNT, then for each line of standard input it
runs the model COUNT times, one picture at a time, one thread, and answers the CPU nanoseconds."""
import sys
import time

import numpy
import onnxruntime

model, count = sys.argv[1], int(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = onnxruntime.InferenceSession(model, options)
feed = session.get_inputs()[0]
kind = {"tensor(float)": numpy.float32, "tensor(uint8)": numpy.uint8}[feed.type]
shape = [1, 3, 224, 224] if kind is numpy.float32 else [1, 224, 224, 3]
random = numpy.random.default_rng(1)
pictures = [(random.random(shape) * 2 - 1 if kind is numpy.float32 else random.integers(0, 256, shape)).astype(kind)
            for _ in range(8)]
output = [session.get_outputs()[0].name]
print("ready", flush=True)
for _ in sys.stdin:
    start = time.process_time_ns()
    for i in range(count):
        session.run(output, {feed.name: pictures[i % 8]})
    print(time.process_time_ns() - start, flush=True)
