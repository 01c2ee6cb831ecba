"""Makes small ONNX models with random weights into a directory: the shapes and types that real exports have."""
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

folder = sys.argv[1]
random = np.random.default_rng(11)


def weights(name, *shape, dtype=np.float32):
    scale = 1 / np.sqrt(np.prod(shape[1:]))
    return onnx.numpy_helper.from_array((random.standard_normal(shape) * scale).astype(dtype), name)


def ints(name, values):
    return onnx.numpy_helper.from_array(np.array(values, np.int64), name)


def save(name, nodes, inputs, outputs, initializers):
    graph = h.make_graph(nodes, name, inputs, outputs, initializers)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, f"{folder}/{name}.onnx")


def value(name, type, shape):
    return h.make_tensor_value_info(name, type, shape)


def patches(source, tokens, batch="b"):
    """A patch embedding: (b, 3, 224, 224) → (b, 49, 24)."""
    return [
        h.make_node("Conv", [source, "w"], ["map"], strides=[32, 32]),
        h.make_node("Reshape", ["map", "shape"], ["flat"]),
        h.make_node("Transpose", ["flat"], ["grid"], perm=[0, 2, 1]),
        h.make_node("Erf", ["grid"], [tokens]),
    ], [weights("w", 24, 3, 32, 32), ints("shape", [0, 24, 49])]


image = value("pixel_values", T.FLOAT, ["b", 3, 224, 224])

# Like CLIP's visual half: rows.
nodes, constants = patches("pixel_values", "tokens")
nodes += [h.make_node("ReduceMean", ["tokens"], ["mean"], axes=[1], keepdims=0),
          h.make_node("MatMul", ["mean", "projection"], ["image_embeds"])]
save("clip", nodes, [image], [value("image_embeds", T.FLOAT, ["b", 32])], constants + [weights("projection", 24, 32)])

# Like CLIP in one file: captions, too, as further inputs and outputs.
save("joint", nodes + [h.make_node("Gather", ["table", "input_ids"], ["words"]),
                       h.make_node("Cast", ["attention_mask"], ["mask"], to=T.FLOAT),
                       h.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
                       h.make_node("Mul", ["words", "wide"], ["masked"]),
                       h.make_node("ReduceMean", ["masked"], ["text_embeds"], axes=[1], keepdims=0)],
     [value("input_ids", T.INT64, ["t", "n"]), image, value("attention_mask", T.INT64, ["t", "n"])],
     [value("text_embeds", T.FLOAT, ["t", 32]), value("image_embeds", T.FLOAT, ["b", 32])],
     constants + [weights("projection", 24, 32), weights("table", 2000, 32), ints("last", [2])])

# Like DINOv2: tokens.
nodes, constants = patches("pixel_values", "last_hidden_state")
save("tokens", nodes, [image], [value("last_hidden_state", T.FLOAT, ["b", 49, 24])], constants)

# A batch of four, and a feature map.
save("four", [h.make_node("Conv", ["pixel_values", "w"], ["features"], strides=[16, 16])],
     [value("pixel_values", T.FLOAT, [4, 3, 64, 64])], [value("features", T.FLOAT, [4, 20, 4, 4])],
     [weights("w", 20, 3, 16, 16)])

# Half precision.
save("half", [h.make_node("Conv", ["x", "w"], ["map"], strides=[32, 32]),
              h.make_node("GlobalAveragePool", ["map"], ["pooled"]),
              h.make_node("Flatten", ["pooled"], ["y"])],
     [value("x", T.FLOAT16, ["b", 3, 224, 224])], [value("y", T.FLOAT16, ["b", 24])],
     [weights("w", 24, 3, 32, 32, dtype=np.float16)])

# Bytes, channels last, any size, normalised inside.
save("bytes", [h.make_node("Cast", ["image"], ["real"], to=T.FLOAT),
               h.make_node("Transpose", ["real"], ["planar"], perm=[0, 3, 1, 2]),
               h.make_node("Div", ["planar", "scale"], ["scaled"]),
               h.make_node("Conv", ["scaled", "w"], ["map"], strides=[8, 8]),
               h.make_node("GlobalAveragePool", ["map"], ["pooled"]),
               h.make_node("Flatten", ["pooled"], ["embedding"])],
     [value("image", T.UINT8, ["batch", "height", "width", 3])], [value("embedding", T.FLOAT, ["batch", 16])],
     [weights("w", 16, 3, 8, 8), onnx.numpy_helper.from_array(np.float32(255), "scale")])

# Captions. Like BERT: a row a token, and another output that one does not want.
tokens = [value(name, T.INT64, ["b", "n"]) for name in ("input_ids", "attention_mask", "token_type_ids")]
save("bert", [h.make_node("Gather", ["table", "input_ids"], ["words"]),
              h.make_node("Gather", ["kinds", "token_type_ids"], ["kind"]),
              h.make_node("Add", ["words", "kind"], ["sum"]), h.make_node("Tanh", ["sum"], ["last_hidden_state"]),
              h.make_node("ReduceMax", ["sum"], ["pooler_output"], axes=[1], keepdims=0)],
     tokens, [value("pooler_output", T.FLOAT, ["b", 16]), value("last_hidden_state", T.FLOAT, ["b", "n", 16])],
     [weights("table", 2000, 16), weights("kinds", 2, 16)])

# Like CLIP's textual half: a fixed length, where the place of a token counts; int32 ids by another name.
save("textual", [h.make_node("Gather", ["table", "text"], ["words"]), h.make_node("Mul", ["words", "places"], ["placed"]),
                 h.make_node("ReduceSum", ["placed", "axis"], ["sum"], keepdims=0),
                 h.make_node("MatMul", ["sum", "projection"], ["text_embeds"])],
     [value("text", T.INT32, ["b", 77])], [value("text_embeds", T.FLOAT, ["b", 32])],
     [weights("table", 2000, 24), weights("places", 77, 24), ints("axis", [1]), weights("projection", 24, 32)])

# Two captions at once, and where they end.
save("pair", [h.make_node("Gather", ["table", "input_ids"], ["words"]),
              h.make_node("Cast", ["attention_mask"], ["mask"], to=T.FLOAT),
              h.make_node("Unsqueeze", ["mask", "axis"], ["wide"]), h.make_node("Mul", ["words", "wide"], ["masked"]),
              h.make_node("ReduceSum", ["masked", "one"], ["y"], keepdims=0)],
     [value("input_ids", T.INT64, [2, 20]), value("attention_mask", T.INT64, [2, 20])], [value("y", T.FLOAT, [2, 16])],
     [weights("table", 2000, 16), ints("axis", [2]), ints("one", [1])])

# What no image model is.
save("integers", [h.make_node("Identity", ["x"], ["y"])], [value("x", T.INT64, [1, 3, 8, 8])],
     [value("y", T.INT64, [1, 3, 8, 8])], [])
save("text", [h.make_node("Gather", ["table", "input_ids"], ["y"])], [value("input_ids", T.INT64, ["b", "n"])],
     [value("y", T.FLOAT, ["b", "n", 4])], [weights("table", 10, 4)])
save("nan", [h.make_node("Flatten", ["x"], ["flat"]), h.make_node("Sub", ["flat", "flat"], ["zero"]),
             h.make_node("Div", ["zero", "zero"], ["y"])],
     [value("x", T.FLOAT, ["b", 3, 8, 8])], [value("y", T.FLOAT, ["b", 192])], [])
for name, cut in (("empty", 0), ("cut", 700)):
    whole = open(f"{folder}/clip.onnx", "rb").read()
    open(f"{folder}/{name}.onnx", "wb").write(whole[:cut])
