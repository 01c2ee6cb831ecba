"""EfficientNet-Lite0 (Tan and Le 2019, https://arxiv.org/abs/1905.11946, the Lite variant: no squeeze-and-excitation,
ReLU6): as arithmetic in float64, and as ONNX graphs in 32-bit floats and in 8-bit integers."""
import dataclasses

import numpy

from onnxgraph import FLOAT, Graph, steps_for

SIDE = 224
# Stride of the first block of each stage; the other blocks of a stage have stride 1.
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
EPSILON = 1e-3  # of the batch norms


@dataclasses.dataclass
class Convolution:
    name: str
    weight: numpy.ndarray  # (out, in / groups, k, k)
    bias: numpy.ndarray
    stride: int
    groups: int
    relu6: bool
    skip: str | None = None  # the layer whose output is added to this one's

    def padding(self, side):
        """Rows before and after, as TensorFlow's SAME: the odd one goes after."""
        k, out = self.weight.shape[-1], -(-side // self.stride)
        total = max((out - 1) * self.stride + k - side, 0)
        return total // 2, total - total // 2


def layers(tensors):
    """The 49 convolutions in order, each with its batch norm folded in (in float64)."""
    def convolution(name, conv, norm, stride=1, depthwise=False, relu6=True, skip=None):
        n = {key: tensors[f"{norm}.{key}"].astype(numpy.float64) for key in ("weight", "bias", "running_mean", "running_var")}
        gain = n["weight"] / numpy.sqrt(n["running_var"] + EPSILON)
        weight = tensors[conv + ".weight"].astype(numpy.float64) * gain[:, None, None, None]
        bias = n["bias"] - n["running_mean"] * gain
        return Convolution(name, weight.astype(numpy.float32), bias.astype(numpy.float32), stride,
                           len(weight) if depthwise else 1, relu6, skip)

    out = [convolution("stem", "_conv_stem", "_bn0", stride=2)]
    for i, stride in enumerate(STRIDES):
        block, before = f"_blocks.{i}.", out[-1]
        if block + "_expand_conv.weight" in tensors:
            out.append(convolution(f"block{i}.expand", block + "_expand_conv", block + "_bn0"))
        out.append(convolution(f"block{i}.depthwise", block + "_depthwise_conv", block + "_bn1", stride, depthwise=True))
        project = convolution(f"block{i}.project", block + "_project_conv", block + "_bn2", relu6=False)
        if stride == 1 and len(project.bias) == len(before.bias):
            project.skip = before.name
        out.append(project)
    return out + [convolution("head", "_conv_head", "_bn1")]


def forward(net, image, seen):
    """Features of one image (3, 224, 224), in float64. `seen(name, array)` is told every layer's output; a layer that
    adds another's reports the sum as `name` + ".sum" as well."""
    x, outputs = image.astype(numpy.float64), {}
    for c in net:
        k, s = c.weight.shape[-1], c.stride
        before, after = c.padding(x.shape[1])
        side = -(-x.shape[1] // s)
        w = c.weight.astype(numpy.float64)
        padded = numpy.pad(x, ((0, 0), (before, after), (before, after)))
        y = numpy.zeros((len(w), side, side))
        for i in range(k):
            for j in range(k):
                part = padded[:, i:i + (side - 1) * s + 1:s, j:j + (side - 1) * s + 1:s]
                if c.groups == 1:
                    y += numpy.tensordot(w[:, :, i, j], part, 1)
                else:
                    y += w[:, 0, i, j, None, None] * part
        y += c.bias.astype(numpy.float64)[:, None, None]
        if c.relu6:
            y = numpy.clip(y, 0, 6)
        seen(c.name, y)
        if c.skip:
            y = y + outputs[c.skip]
            seen(c.name + ".sum", y)
        outputs[c.name] = x = y
    return x.mean(axis=(1, 2))


def ranges(net, images):
    """Least and greatest value of every layer's output over the images, and of the features."""
    found = {}

    def seen(name, array):
        low, high = found.get(name, (0.0, 0.0))
        found[name] = (min(low, float(array.min())), max(high, float(array.max())))

    for image in images:
        seen("embedding", forward(net, image, seen))
    return found


def _head(graph, features, weight, bias, joint, quantised_at=None):
    """logits and joint from the pooled features. `joint`: class vectors (1000, d) and the softmax temperature."""
    vectors, temperature = joint
    if quantised_at is None:
        gemm = [features, graph.constant("fc.weight", weight), graph.constant("fc.bias", bias)]
    else:
        w, scale = graph.quantised_weight("fc.weight", weight, axis=0, orders=[(1,)])
        gemm = [graph.quantised(features, *quantised_at), w, graph.quantised_bias("fc.bias", bias, quantised_at[0], scale)]
    logits = graph.op("Gemm", gemm, "logits", transB=1)
    sharp = graph.op("Mul", [logits, graph.constant("sharpness", numpy.float32(1 / temperature))], "logits.sharp")
    chances = graph.op("Softmax", [sharp], "chances", axis=1)
    graph.unit(graph.op("MatMul", [chances, graph.constant("class_vectors", vectors)], "joint.sum"), "joint", axis=1)
    graph.output("embedding", FLOAT, ["n", len(weight[0])])
    graph.output("logits", FLOAT, ["n", len(weight)])
    graph.output("joint", FLOAT, ["n", vectors.shape[1]])


def _features(graph, x):
    pooled = graph.op("GlobalAveragePool", [x], "pooled")
    return graph.op("Flatten", [pooled], "embedding", axis=1)


def float_model(net, fc, joint, notes):
    graph = Graph("efficientnet-lite0")
    x, side, outputs = graph.input("image", FLOAT, ["n", 3, SIDE, SIDE]), SIDE, {}
    ends = [graph.constant("zero", numpy.float32(0)), graph.constant("six", numpy.float32(6))]
    for c in net:
        before, after = c.padding(side)
        side = -(-side // c.stride)
        inputs = [x, graph.constant(c.name + ".weight", c.weight), graph.constant(c.name + ".bias", c.bias)]
        x = graph.op("Conv", inputs, c.name, strides=[c.stride] * 2, pads=[before, before, after, after], group=c.groups,
                     kernel_shape=list(c.weight.shape[2:]))
        if c.relu6:
            x = graph.op("Clip", [x, *ends], c.name + ".relu6")
        if c.skip:
            x = graph.op("Add", [x, outputs[c.skip]], c.name + ".sum")
        outputs[c.name] = x
    _head(graph, _features(graph, x), *fc, joint)
    return graph.bytes(notes)


def integer_model(net, fc, joint, notes, found):
    """8-bit weights and activations. The ReLU6 needs no node: an activation's steps begin at 0 and end at 6 or below."""
    graph = Graph("efficientnet-lite0-int8")
    side, outputs = SIDE, {}
    # (p − 127) / 128 of a byte p lies exactly on these steps.
    scale = numpy.float32(1 / 128)
    x = graph.quantised(graph.input("image", FLOAT, ["n", 3, SIDE, SIDE]), scale, 127)
    for c in net:
        before, after = c.padding(side)
        side = -(-side // c.stride)
        # Depthwise kernels add in 32 bits; the others are matrix products, with the channels innermost or outermost.
        orders = [(1, 2, 3), (2, 3, 1)] if c.groups == 1 else ()
        w, weight_scale = graph.quantised_weight(c.name + ".weight", c.weight, axis=0, orders=orders)
        inputs = [x, w, graph.quantised_bias(c.name + ".bias", c.bias, scale, weight_scale)]
        y = graph.op("Conv", inputs, c.name, strides=[c.stride] * 2, pads=[before, before, after, after], group=c.groups,
                     kernel_shape=list(c.weight.shape[2:]))
        scale, zero = steps_for(*found[c.name])
        if c.relu6:
            scale = min(scale, numpy.float32(6 / 255))
        x = graph.quantised(y, scale, zero)
        if c.skip:
            scale, zero = steps_for(*found[c.name + ".sum"])
            x = graph.quantised(graph.op("Add", [x, outputs[c.skip]], c.name + ".sum"), scale, zero)
        outputs[c.name] = x
    _head(graph, _features(graph, x), *fc, joint, quantised_at=steps_for(*found["embedding"]))
    return graph.bytes(notes)
