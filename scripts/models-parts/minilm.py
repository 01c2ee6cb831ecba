"""MiniLM-L6 (a BERT of 6 layers, 384 wide; Wang et al. 2020, https://arxiv.org/abs/2002.10957; sentence rows as in
Reimers and Gurevych 2019, https://arxiv.org/abs/1908.10084): in float64 arithmetic, and as ONNX graphs."""
import math

import numpy

from onnxgraph import FLOAT, INT64, Graph, steps_for

LAYERS, HEADS, WIDTH = 6, 12, 384
EPSILON = 1e-12  # of the layer norms
MASKED = numpy.float32(-3.4028234663852886e38)


def _erf(x):
    return numpy.vectorize(math.erf, otypes=[numpy.float64])(x)


def _norm(x, tensors, name):
    x = x - x.mean(axis=-1, keepdims=True)
    x = x / numpy.sqrt((x * x).mean(axis=-1, keepdims=True) + EPSILON)
    return x * tensors[name + ".weight"] + tensors[name + ".bias"]


def forward(tensors, ids, seen=lambda name, array: None):
    """The sentence row (384) of one caption's token ids, without padding, in float64 (so must the tensors be): the mean
    over its tokens, of norm 1. `seen(name, array)` is told what goes into every matrix product with weights."""
    def linear(x, layer, name, fed_as):
        seen(f"{layer}.{fed_as}", x)
        return x @ tensors[f"{layer}.{name}.weight"].T + tensors[f"{layer}.{name}.bias"]

    def heads(x):
        return x.reshape(len(ids), HEADS, -1).transpose(1, 0, 2)

    e = "embeddings."
    x = (tensors[e + "word_embeddings.weight"][ids]
         + tensors[e + "position_embeddings.weight"][:len(ids)] + tensors[e + "token_type_embeddings.weight"][0])
    x = _norm(x, tensors, e + "LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        q, k, v = (heads(linear(x, layer, f"attention.self.{n}", "input")) for n in ("query", "key", "value"))
        chances = q @ k.transpose(0, 2, 1) / math.sqrt(WIDTH / HEADS)
        chances = numpy.exp(chances - chances.max(axis=-1, keepdims=True))
        chances /= chances.sum(axis=-1, keepdims=True)
        context = (chances @ v).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = _norm(x + linear(context, layer, "attention.output.dense", "context"), tensors, layer + ".attention.output.LayerNorm")
        wide = linear(x, layer, "intermediate.dense", "attended")
        wide = 0.5 * wide * (1 + _erf(wide / math.sqrt(2)))
        x = _norm(x + linear(wide, layer, "output.dense", "wide"), tensors, layer + ".output.LayerNorm")
    row = x.mean(axis=0)
    return row / numpy.linalg.norm(row)


def rows_and_ranges(tensors, captions):
    """The sentence rows of the captions' ids, in float64, and the least and greatest value of what goes into every
    matrix product with weights."""
    found = {}

    def seen(name, array):
        low, high = found.get(name, (0.0, 0.0))
        found[name] = (min(low, float(array.min())), max(high, float(array.max())))

    wide = {name: tensor.astype(numpy.float64) for name, tensor in tensors.items()}
    return numpy.array([forward(wide, ids, seen) for ids in captions]), found


def model(tensors, mean, notes, found=None):
    """The graph: 32-bit floats, or, with the ranges `found`, 8-bit integers in the table of words and in the products
    with weights (the rest stays in floats; no scale is taken from the data, so rows do not depend on their batch)."""
    graph = Graph("minilm" if found is None else "minilm-int8")

    def constant(name):
        return graph.constant(name, tensors[name])

    def linear(x, layer, name, fed_as):
        full = f"{layer}.{name}"
        weight = numpy.ascontiguousarray(tensors[full + ".weight"].T)
        if found is None:
            w = graph.constant(full + ".weight", weight)
        else:
            x = quantised(x, f"{layer}.{fed_as}")
            w, _ = graph.quantised_weight(full + ".weight", weight, axis=1, orders=[(0,)])
        product = graph.op("MatMul", [x, w], full + ".product")
        return graph.op("Add", [product, constant(full + ".bias")], full)

    done = {}

    def quantised(x, name):
        if name not in done:
            done[name] = graph.quantised(x, *steps_for(*found[name]))
        return done[name]

    def norm(x, name):
        return graph.op("LayerNormalization", [x, constant(name + ".weight"), constant(name + ".bias")], name, axis=-1, epsilon=EPSILON)

    def shape(name, *values):
        return graph.constant(name, numpy.array(values, numpy.int64))

    ids = graph.input("input_ids", INT64, ["n", "t"])
    mask = graph.input("attention_mask", INT64, ["n", "t"])
    e = "embeddings."
    words = tensors[e + "word_embeddings.weight"]
    if found is None:
        x = graph.op("Gather", [graph.constant(e + "words", words), ids], e + "word", axis=0)
    else:
        # One scale a word: the row is gathered as bytes and multiplied after.
        scale = numpy.maximum(numpy.abs(words).max(axis=1, keepdims=True).astype(numpy.float64) / 127, 1e-12).astype(numpy.float32)
        q = numpy.rint(words.astype(numpy.float64) / scale).astype(numpy.int8)
        x = graph.op("Gather", [graph.constant(e + "words.q", q), ids], e + "word.q", axis=0)
        x = graph.op("Cast", [x], e + "word.cast", to=FLOAT)
        x = graph.op("Mul", [x, graph.op("Gather", [graph.constant(e + "words.scale", scale), ids], e + "word.scale", axis=0)], e + "word")
    places = tensors[e + "position_embeddings.weight"] + tensors[e + "token_type_embeddings.weight"][0]
    tokens = graph.op("Slice", [graph.op("Shape", [ids], "ids.shape"), shape("one", 1), shape("two", 2)], "tokens")
    places = graph.op("Slice", [graph.constant(e + "places", places), shape("zeros", 0), tokens, shape("first", 0)], e + "place")
    x = norm(graph.op("Add", [x, places], e + "sum"), e + "LayerNorm")

    real = graph.op("Cast", [mask], "mask.float", to=FLOAT)
    barred = graph.op("Sub", [graph.constant("1", numpy.float32(1)), real], "mask.barred")
    barred = graph.op("Mul", [barred, graph.constant("masked", MASKED)], "mask.added")
    barred = graph.op("Unsqueeze", [barred, shape("axes12", 1, 2)], "mask.spread")
    split = shape("split", 0, 0, HEADS, WIDTH // HEADS)
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        parts = {}
        for n, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
            part = graph.op("Reshape", [linear(x, layer, f"attention.self.{n}", "input"), split], f"{layer}.{n}.split")
            parts[n] = graph.op("Transpose", [part], f"{layer}.{n}", perm=order)
        scores = graph.op("MatMul", [parts["query"], parts["key"]], layer + ".product")
        scores = graph.op("Div", [scores, graph.constant("root", numpy.float32(math.sqrt(WIDTH / HEADS)))], layer + ".scores")
        scores = graph.op("Add", [scores, barred], layer + ".barred")
        chances = graph.op("Softmax", [scores], layer + ".chances", axis=-1)
        context = graph.op("MatMul", [chances, parts["value"]], layer + ".heads")
        context = graph.op("Transpose", [context], layer + ".gathered", perm=[0, 2, 1, 3])
        context = graph.op("Reshape", [context, shape("join", 0, 0, WIDTH)], layer + ".context")
        attended = linear(context, layer, "attention.output.dense", "context")
        x = norm(graph.op("Add", [attended, x], layer + ".attended"), layer + ".attention.output.LayerNorm")
        wide = linear(x, layer, "intermediate.dense", "attended")
        gate = graph.op("Erf", [graph.op("Div", [wide, graph.constant("root2", numpy.float32(math.sqrt(2)))], layer + ".wide.scaled")], layer + ".erf")
        gate = graph.op("Add", [gate, graph.constant("1", numpy.float32(1))], layer + ".gate")
        wide = graph.op("Mul", [graph.op("Mul", [wide, gate], layer + ".gated"), graph.constant("half", numpy.float32(0.5))], layer + ".gelu")
        x = norm(graph.op("Add", [linear(wide, layer, "output.dense", "wide"), x], layer + ".sum"), layer + ".output.LayerNorm")

    kept = graph.op("Unsqueeze", [real, shape("axis2", 2)], "mask.column")
    total = graph.op("ReduceSum", [graph.op("Mul", [x, kept], "tokens.kept"), shape("axis1", 1)], "tokens.sum", keepdims=0)
    count = graph.op("ReduceSum", [kept, shape("axis1", 1)], "tokens.count", keepdims=0)
    count = graph.op("Max", [count, graph.constant("tiny", numpy.float32(1e-12))], "tokens.floored")
    sentence = graph.unit(graph.op("Div", [total, count], "sentence.mean"), "sentence", axis=1)
    graph.unit(graph.op("Sub", [sentence, graph.constant("mean", mean)], "sentence.centred"), "embedding", axis=1)
    graph.output("embedding", FLOAT, ["n", WIDTH])
    graph.output("sentence", FLOAT, ["n", WIDTH])
    return graph.bytes(notes)
