"""Builds ONNX graphs node by node; the same calls give the same bytes."""
import math

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17  # of ONNX 1.12: every runtime of the last years reads it
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


class Graph:
    def __init__(self, name):
        self.name, self.nodes, self.constants, self.inputs, self.outputs = name, [], {}, [], []

    def input(self, name, kind, shape):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name, kind, shape):
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, name, array):
        if name not in self.constants:
            array = numpy.array(array, order="C")
            self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def op(self, kind, inputs, name, **attributes):
        """Adds a node with one output, called `name`, and returns that name."""
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def unit(self, rows, name, axis):
        """Rows divided by their Euclidean norm (at least 1e-12), as `name`."""
        square = self.op("ReduceSumSquare", [rows], name + ".square", axes=[axis], keepdims=1)
        norm = self.op("Sqrt", [square], name + ".norm")
        norm = self.op("Max", [norm, self.constant("tiny", numpy.float32(1e-12))], name + ".floored")
        return self.op("Div", [rows, norm], name)

    # Quantisation: a pair QuantizeLinear, DequantizeLinear, which runtimes fuse with the operators around it.

    def quantised(self, tensor, scale, zero):
        """`tensor` through unsigned 8-bit steps: value = scale · (q − zero)."""
        ends = [self.constant(tensor + ".scale", numpy.float32(scale)), self.constant(tensor + ".zero", numpy.uint8(zero))]
        steps = self.op("QuantizeLinear", [tensor, *ends], tensor + ".q")
        return self.op("DequantizeLinear", [steps, *ends], tensor + ".dq")

    def quantised_weight(self, name, weight, axis, orders=()):
        """Signed 8-bit weights, one scale for each index along `axis`: value = scale · q, |q| ≤ 127. `orders`: how the
        other axes may be laid out when integer kernels multiply; see `weight_scales`."""
        rest = [a for a in range(weight.ndim) if a != axis]
        rows = [weight.transpose([axis, *order]).reshape(weight.shape[axis], -1) for order in orders or [rest]]
        scale = weight_scales(rows, guarded=bool(orders))
        q = steps(weight, scale.reshape([-1 if a == axis else 1 for a in range(weight.ndim)]))
        inputs = [self.constant(name + ".q", q), self.constant(name + ".scale", scale),
                  self.constant(name + ".zero", numpy.zeros(len(scale), numpy.int8))]
        return self.op("DequantizeLinear", inputs, name + ".dq", axis=axis), scale

    def quantised_bias(self, name, bias, input_scale, weight_scale):
        """Signed 32-bit bias in steps of input scale times weight scale, as integer kernels add it."""
        scale = (numpy.float64(input_scale) * weight_scale).astype(numpy.float32)
        q = numpy.clip(numpy.rint(bias.astype(numpy.float64) / scale), -2**31 + 1, 2**31 - 1).astype(numpy.int32)
        inputs = [self.constant(name + ".q", q), self.constant(name + ".scale", scale),
                  self.constant(name + ".zero", numpy.zeros(len(scale), numpy.int32))]
        return self.op("DequantizeLinear", inputs, name + ".dq", axis=0)

    def bytes(self, notes):
        """The checked model; `notes` become its metadata."""
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, list(self.constants.values()))
        model = helper.make_model(graph, producer_name="tamis build-models",
                                  opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        helper.set_model_props(model, notes)
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


def steps(values, scale):
    return numpy.clip(numpy.rint(values.astype(numpy.float64) / scale), -127, 127).astype(numpy.int8)


def weight_scales(layouts, guarded):
    """One scale for each row. Processors without VNNI add two products of neighbours in 16 bits, which saturate where
    two weights of one sign are large: guarded scales keep |a + b| ≤ 128 for them (255 · 128 < 2¹⁵), so that every
    processor finds the same sums. Few rows need a larger scale for it."""
    largest = numpy.abs(layouts[0]).max(axis=1).astype(numpy.float64)
    scale = numpy.maximum(largest / 127, 1e-12).astype(numpy.float32)
    while guarded:
        worst = numpy.zeros(len(scale), numpy.int64)
        for rows in layouts:
            q = steps(rows, scale[:, None]).astype(numpy.int64)
            for side in (numpy.maximum(q, 0), numpy.maximum(-q, 0)):
                worst = numpy.maximum(worst, (side[:, 1:] + side[:, :-1]).max(axis=1))
        if (worst <= 128).all():
            break
        scale = numpy.where(worst > 128, scale * numpy.maximum(worst / 128, 1.002), scale).astype(numpy.float32)
    return scale


def coarse(value):
    """The next number upwards with 8 significant bits. Measured ranges are rounded so, because their last bits could
    differ from machine to machine and the files must not."""
    if value <= 0:
        return 0.0
    mantissa, exponent = math.frexp(value)
    return math.ldexp(math.ceil(mantissa * 256), exponent - 8)


def steps_for(low, high):
    """Scale and zero point of unsigned 8-bit steps over [low, high], which is made to hold 0."""
    low, high = coarse(-min(low, 0.0)), coarse(max(high, 0.0))
    scale = numpy.float32(max((low + high) / 255, 1e-12))
    return scale, int(round(low / float(scale)))
