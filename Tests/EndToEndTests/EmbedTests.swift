import Foundation
import Testing

/// Embeddings by ONNX models, beside Pillow and Python's onnxruntime.
struct EmbedTests {
  /// The library in the wheel that the oracles use.
  static let runtime: [String: String] = {
    let libraries = Repository.root + "/.venv/lib"
    let python = (try? FileManager.default.contentsOfDirectory(atPath: libraries))?.first ?? ""
    let directory = "\(libraries)/\(python)/site-packages/onnxruntime/capi"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let library = names.first { $0.hasPrefix("libonnxruntime.so.") } ?? "missing"
    return ["TAMIS_ONNXRUNTIME": "\(directory)/\(library)"]
  }()

  private static let shards = Repository.root + "/samples/shards/"

  private func models() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.expectOracle("onnx_models.py", ["%"])
    return folder
  }

  @Test("every layout, element type and preset gives the rows of Python's onnxruntime on Pillow's pictures")
  func layouts() throws {
    let folder = try models()
    let cases = [
      ("clip", "clip", "image_embeds"), ("joint", "clip", "image_embeds"),
      ("tokens", "dinov2", "last_hidden_state"), ("four", "imagenet", "features"), ("half", "none", "y"),
      ("bytes", "sscd", "embedding"),
    ]
    for (model, preset, output) in cases {
      let rows = "\(folder.path)/\(model).npy"
      let result = try tamis(
        "embed", "--model", "\(folder.path)/\(model).onnx", "--preset", preset, Self.shards + "00002.tar",
        "-q", "-o", rows, environment: Self.runtime)
      #expect(result.status == 0, "\(model): \(result.errors)")
      let arguments = [
        Repository.oracle("onnx_embed.py"), "\(folder.path)/\(model).onnx", preset, output, "cls",
      ]
      let cosine = try run(Repository.python, arguments + [rows, Self.shards + "00002.tar"])
      #expect((Int(cosine.output.dropLast()) ?? 0) >= 999_999, "\(model): \(cosine.output)\(cosine.errors)")
    }
  }

  @Test("the mean of the tokens, an output by name, and another size")
  func choices() throws {
    let folder = try models()
    for pooling in ["mean", "patches"] {
      let rows = "\(folder.path)/\(pooling).npy"
      let result = try tamis(
        "embed", "--model", folder.path + "/tokens.onnx", "--preset", "dinov2", "--pooling", pooling,
        "--model-output", "last_hidden_state", Self.shards + "00003.tar", "-q", "-o", rows,
        environment: Self.runtime)
      #expect(result.status == 0, "\(result.errors)")
      let cosine = try run(
        Repository.python,
        [
          Repository.oracle("onnx_embed.py"), folder.path + "/tokens.onnx", "dinov2", "last_hidden_state",
          pooling, rows, Self.shards + "00003.tar",
        ])
      #expect((Int(cosine.output.dropLast()) ?? 0) >= 999_999, "\(cosine.output)\(cosine.errors)")
    }
  }

  @Test("the parts of a preset, given one by one, are the preset")
  func parts() throws {
    let folder = try models()
    func rows(_ arguments: [String]) throws -> Data {
      let path = folder.path + "/rows.npy"
      let result = try run(
        Repository.tamis,
        ["embed", "--model", folder.path + "/tokens.onnx", "-q", Self.shards + "00000.tar", "-o", path]
          + arguments,
        environment: Self.runtime)
      #expect(result.status == 0, "\(result.errors)")
      return try #require(folder.data("rows.npy"))
    }
    let given = [
      "--resize", "256", "--filter", "bilinear", "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225",
    ]
    let preset = try rows(["--preset", "imagenet"])
    #expect(try rows(given) == preset)
    #expect(try rows(given + ["--filter", "bicubic"]) != preset)
    #expect(try rows(["--preset", "imagenet", "--fit", "squash"]) != preset)
    let wrong = try tamis(
      "embed", "--model", folder.path + "/tokens.onnx", "--std", "0.2,0.2", Self.shards + "00000.tar", "-o",
      "x.npy")
    #expect(wrong.status == 2 && wrong.errors.contains("--std"), "\(wrong.errors)")
  }

  @Test("a GPU that the library does not know is refused, a device by another name too")
  func devices() throws {
    let folder = try models()
    func errors(_ device: String) throws -> String {
      let result = try tamis(
        "embed", "--model", folder.path + "/clip.onnx", "--device", device, Self.shards + "00000.tar", "-o",
        folder.path + "/rows.npy", environment: Self.runtime)
      #expect(result.status == 2)
      return result.errors
    }
    #expect(try errors("cuda:1").contains("built without CUDA"))
    #expect(try errors("tpu").contains("--device"))
    let doctor = try tamis("doctor", environment: Self.runtime)
    #expect(doctor.output.contains("ONNX Runtime") && doctor.output.contains("minilm-int8"))
  }

  @Test("rows do not depend on threads or on which shards are read together")
  func batchMates() throws {
    let folder = try models()
    func rows(_ name: String, _ arguments: [String]) throws -> Data {
      let path = "\(folder.path)/\(name).npy"
      let result = try run(
        Repository.tamis,
        ["embed", "--model", folder.path + "/four.onnx", "-q", "-o", path] + arguments,
        environment: Self.runtime)
      #expect(result.status == 0, "\(result.errors)")
      return try #require(folder.data(name + ".npy"))
    }
    let shards = ["00000.tar", "00001.tar"].map { Self.shards + $0 }
    let both = try rows("both", ["-j", "1"] + shards)
    #expect(try rows("threads", ["-j", "2"] + shards) == both)
    let apart = try rows("first", [shards[0]]).dropFirst(128) + rows("second", [shards[1]]).dropFirst(128)
    #expect(both.dropFirst(128) == apart)
    #expect(folder.data("both.keys.txt") == folder.data("threads.keys.txt"))
  }

  @Test("what is no image model, or none at all, gets one line that says so, and leaves no array")
  func refusals() throws {
    let folder = try models()
    let cases = [
      ("integers", "must be float32, float16 or uint8, it is x: int64 [1, 3, 8, 8]"),
      ("text", "has input_ids: int64 [?, ?]"), ("nan", "NaN"), ("empty", "No graph was found"),
      ("cut", "Protobuf parsing failed"), ("absent", "no such file"),
    ]
    for (model, message) in cases {
      let result = try tamis(
        "embed", "--model", "\(folder.path)/\(model).onnx", Self.shards + "00000.tar", "-q", "-o",
        folder.path + "/rows.npy", environment: Self.runtime)
      #expect(result.status == (model == "nan" ? 65 : 2), "\(model)")
      #expect(result.errors.contains(message), "\(model): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
      #expect(folder.data("rows.npy") == nil)
    }
    let library = try tamis(
      "embed", "--model", folder.path + "/clip.onnx", Self.shards + "00000.tar", "-o",
      folder.path + "/rows.npy",
      environment: ["TAMIS_ONNXRUNTIME": "/nowhere/libonnxruntime.so"])
    #expect(library.status == 2 && library.errors.contains("/nowhere/libonnxruntime.so"), "\(library.errors)")
    let size = try tamis(
      "embed", "--model", folder.path + "/clip.onnx", "--size", "128", Self.shards + "00000.tar", "-o",
      folder.path + "/rows.npy", environment: Self.runtime)
    #expect(size.errors.contains("takes pictures of 224 x 224, not 128"), "\(size.errors)")
    let memory = try tamis(
      "embed", "--model", folder.path + "/clip.onnx", "--memory", "100MiB", Self.shards + "00000.tar", "-o",
      folder.path + "/rows.npy", environment: Self.runtime)
    #expect(memory.status == 2 && memory.errors.contains("is needed with the models"), "\(memory.errors)")
  }

  @Test("a recipe's model fills image.npy at ingest; prune, publish and pipe work on its rows")
  func recipe() throws {
    let folder = try models()
    let recipe = try folder.addPruning()
    let text = String(decoding: try #require(folder.data("recipe.yaml")), as: UTF8.self)
      .replacingOccurrences(of: "{ encoder: pixels }", with: "{ model: clip.onnx, preset: clip }")
    try folder.write("recipe.yaml", text)
    let result = try tamis("run", recipe, "-q", environment: Self.runtime)
    #expect(result.status == 0, "\(result.errors)")
    // The columns are the rows of `embed`, rounded.
    let embedded = try tamis(
      "embed", "--model", folder.path + "/clip.onnx", "--preset", "clip", Self.shards + "00000.tar", "-q",
      "-o",
      folder.path + "/rows.npy", environment: Self.runtime)
    #expect(embedded.status == 0)
    let script = """
      import numpy, sys
      a, b = (numpy.load(p, allow_pickle=False) for p in sys.argv[1:])
      assert a.dtype == '<f2' and (a == b.astype('<f2')).all()
      """
    let same = try run(
      Repository.python,
      ["-c", script, folder.path + "/.tamis/columns/00000/image.npy", folder.path + "/rows.npy"])
    #expect(same.status == 0, "\(same.errors)")
    #expect(try tamis("verify", folder.path + "/.tamis").status == 0)
    #expect(try tamis("verify", folder.path + "/out").status == 0)

    let again = try tamis("run", recipe, environment: Self.runtime)
    #expect(again.status == 0 && again.output.contains("othing"), "\(again.output)")

    let pipe = try run(
      "/bin/sh",
      [
        "-c",
        "'\(Repository.tamis)' pipe --plan '\(folder.path)/.tamis' --add embedding --report '\(folder.path)/r.json' "
          + "< '\(Self.shards)00000.tar' > '\(folder.path)/piped.tar'",
      ], environment: Self.runtime)
    #expect(pipe.status == 0, "\(pipe.errors)")
    let kept = """
      import io, numpy, sys, tarfile
      work, piped = sys.argv[1:]
      keys = open(work + '/columns/00000/keys.txt').read().split()
      rows = numpy.load(work + '/columns/00000/image.npy')
      verdicts = numpy.load(work + '/verdicts/00000.npy')
      tar = tarfile.open(piped)
      got = {m.name.split('.')[0]: m for m in tar if m.name.endswith('.embedding.npy')}
      assert list(got) == [k for k, v in zip(keys, verdicts['kept']) if v]
      for key, member in got.items():
          assert (numpy.load(io.BytesIO(tar.extractfile(member).read())) == rows[keys.index(key)]).all()
      """
    let checked = try run(
      Repository.python, ["-c", kept, folder.path + "/.tamis", folder.path + "/piped.tar"])
    #expect(checked.status == 0, "\(checked.errors)")
  }
}
