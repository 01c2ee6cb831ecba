public import Features
import Foundation
import Shards

/// Where the files of models and the library that runs them are looked for.
public enum ModelPlaces {
  /// The ONNX Runtime to use: `path` (`--onnxruntime`), else `TAMIS_ONNXRUNTIME`, else `.deps/onnxruntime` of the
  /// working directory or of the project the program was built in, else what the system's loader finds.
  ///
  /// - Throws: ``PipelineError`` that says how to get it.
  public static func runtime(_ path: String? = nil) throws(PipelineError) -> OnnxRuntime {
    let environment = ProcessInfo.processInfo.environment
    if let given = path ?? environment["TAMIS_ONNXRUNTIME"] {
      do { return try OnnxRuntime(path: given) } catch {
        throw PipelineError(.usage, "ONNX Runtime: \(error.description)")
      }
    }
    let library = "libonnxruntime.so.1"
    for place in dependencies.map({ $0 + "/onnxruntime/" + library }) + [library] {
      if place != library, !FileManager.default.isReadableFile(atPath: place) { continue }
      if let runtime = try? OnnxRuntime(path: place) { return runtime }
    }
    throw PipelineError(
      .usage,
      "ONNX Runtime (libonnxruntime.so.1, 1.17 or later) was not found: scripts/setup-onnxruntime fetches it; "
        + "or name it with --onnxruntime or TAMIS_ONNXRUNTIME")
  }

  /// A file of the default models: in `TAMIS_MODELS`, else in `.deps/models` as above.
  ///
  /// - Throws: ``PipelineError`` that says how to make them.
  static func model(_ name: String) throws(PipelineError) -> String {
    let given = ProcessInfo.processInfo.environment["TAMIS_MODELS"].map { [$0] }
    let directories = given ?? dependencies.map { $0 + "/models" }
    for directory in directories where FileManager.default.isReadableFile(atPath: directory + "/" + name) {
      return directory + "/" + name
    }
    throw PipelineError(
      .usage,
      "\(name) was not found in \(directories.joined(separator: ", ")): scripts/build-models makes it; "
        + "TAMIS_MODELS names another place")
  }

  /// The default models, and where they are; nil where they are not.
  public static func defaults() -> [(name: String, path: String?)] {
    ["efficientnet-lite0", "minilm"].flatMap { model in
      Recipe.ModelPrecision.allCases.map { precision in
        let file = precision.file(model)
        return (String(file.dropLast(".onnx".count)), try? self.model(file))
      }
    }
  }

  /// `.deps` of the working directory, and of every directory above the program.
  private static var dependencies: [String] {
    var places = [".deps"]
    var directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent()
    while directory.path.count > 1 {
      places.append(directory.path + "/.deps")
      directory.deleteLastPathComponent()
    }
    return places
  }
}
