public import Algebra
import Features
import Shards

/// `tamis pca --partial` and `--merge`: a PCA in pieces, on one machine or many.
public enum ArrayPartials {
  /// Writes the partial statistics of an 8-bit array, `|u1 (n, H, W, 3)` or `(n, D)`. Returns n.
  public static func make(
    pixels path: String, output: String, limits: Recipe.Limits, events: EventHandler
  ) throws -> Int {
    let output = try ArrayFiles.output(output, names: PartialStatistics.allNames)
    let array = try ArrayPCA.open(path)
    guard array.type == .uint8 else {
      throw PipelineError(
        .usage,
        "\(path): --partial takes '|u1' only, the dtype is '\(array.type.code)'; sums of floats depend on their "
          + "order, so parts would not add up to one pass")
    }
    let features = array.rowItems
    let plan = try MemoryPlan(limits)
    try checkMemory(
      "the statistics", ExactGram.bytes(features: features, threads: plan.workers), features, limits)
    let size = UInt64(array.rowCount * array.rowBytes)
    events(.began(stage: "statistics", shards: 1, bytes: size, samples: array.rowCount))
    var gram = try ArrayPCA.exactGram(array, threads: plan.workers, events)
    let layout = ArrayPCA.shape(of: array).map { PCAManifest.Layout($0) }
    let source = try FileDigest(path: path).sha256
    try PartialStatistics.write(&gram, layout: layout, sources: [source], to: output)
    events(.ended(stage: "statistics"))
    return array.rowCount
  }

  /// Adds partial statistics up and writes them as one. Returns the samples.
  public static func merge(
    _ paths: [String], output: String, limits: Recipe.Limits, events: EventHandler
  ) throws -> Int {
    let output = try ArrayFiles.output(output, names: PartialStatistics.allNames)
    let parts = try Parts(paths)
    try checkMemory("the statistics", ExactGram.bytes(features: parts.features), parts.features, limits)
    var gram = try parts.sum(threads: 1, events)
    try PartialStatistics.write(&gram, layout: parts.layout, sources: parts.sources, to: output)
    return gram.count
  }

  /// Adds partial statistics up and writes the files of `models/pca`, in the bits of one pass over all the images.
  ///
  /// - Returns: rows, components.
  public static func fit(
    _ paths: [String], output: String, components: Int?, standardize: Standardization, limits: Recipe.Limits,
    events: EventHandler
  ) throws -> (samples: Int, components: Int) {
    let output = try ArrayFiles.output(output, names: PCAFiles.allNames)
    let parts = try Parts(paths)
    guard standardize != .channel || parts.layout != nil else {
      throw PipelineError(.usage, "--standardize channel needs images (n, H, W, 3)")
    }
    let most = min(parts.samples, parts.features)
    if let components, components > most {
      throw PipelineError(
        .usage, "--components \(components): (\(parts.samples), \(parts.features)) has \(most)")
    }
    let plan = try MemoryPlan(limits)
    let needed = max(ExactGram.bytes(features: parts.features), PCABasis.fitBytes(features: parts.features))
    try checkMemory("the PCA", needed, parts.features, limits)
    do {
      let gram = try parts.sum(threads: plan.workers, events)
      let basis = try PCABasis.fit(
        try gram.covariance(), standardization: standardize, channels: parts.layout == nil ? 1 : 3,
        components: components)
      try PCAFiles.write(
        ComponentBasis(basis, shape: parts.layout?.shape), PCAManifest.Origin(key: parts.key), to: output)
      return (basis.count, basis.componentCount)
    } catch let error as PCAError {
      throw PipelineError(.badData, error.description)
    }
  }

  private static func checkMemory(
    _ what: String, _ needed: Int, _ features: Int, _ limits: Recipe.Limits
  ) throws(PipelineError) {
    guard needed <= limits.memory else {
      throw PipelineError(
        .usage,
        "\(what) of \(features) features needs \(ByteSize.needed(needed)), the limit is "
          + "\(ByteSize.text(limits.memory)); raise --memory")
    }
  }
}

/// Partial statistics that may be added up: of one layout, no input in two of them.
private struct Parts {
  let paths: [String]
  let manifests: [PartialManifest]
  let sources: [String]

  init(_ paths: [String]) throws {
    guard !paths.isEmpty else { throw PipelineError(.usage, "--merge: nothing to merge") }
    var manifests: [PartialManifest] = []
    var owners: [String: String] = [:]
    for path in paths {
      let manifest = try PartialStatistics.manifest(path)
      if let first = manifests.first, first.features != manifest.features || first.layout != manifest.layout {
        throw PipelineError(
          .badData,
          "\(path) is of \(Self.text(manifest)), \(paths[0]) of \(Self.text(first)): they cannot be merged")
      }
      for source in manifest.sources {
        if let owner = owners.updateValue(path, forKey: source) {
          throw PipelineError(
            .badData,
            "\(path): the input of SHA-256 \(source.prefix(16))… is already in \(owner); it would count twice"
          )
        }
      }
      manifests.append(manifest)
    }
    self.paths = paths
    self.manifests = manifests
    sources = owners.keys.sorted()
  }

  var features: Int { manifests[0].features }
  var layout: PCAManifest.Layout? { manifests[0].layout }
  var samples: Int { manifests.reduce(0) { $0 + $1.samples } }
  /// Names the data; the same for any order of the parts.
  var key: String { sha256(Array((sources.joined(separator: "\n") + "\n").utf8)) }

  func sum(threads: Int, _ events: EventHandler) throws -> ExactGram {
    events(.began(stage: "merge", shards: paths.count, bytes: 0, samples: samples))
    var gram = ExactGram(features: features, threads: threads)
    for (path, manifest) in zip(paths, manifests) {
      try PartialStatistics.add(path, manifest, to: &gram)
      events(.progress(samples: gram.count, bytes: 0))
    }
    events(.ended(stage: "merge"))
    return gram
  }

  private static func text(_ manifest: PartialManifest) -> String {
    guard let layout = manifest.layout else { return "rows of \(manifest.features) features" }
    return "images of \(layout.channels) x \(layout.height) x \(layout.width)"
  }
}
