public import Algebra
import Features
import Shards

/// `tamis pca` on an array: the files of `models/pca` without a workspace.
public enum ArrayPCA {
  /// Fits `X`: `|u1 (n, H, W, 3)` (flattened to CHW), or `(n, D)` of u8, f2, f4 or f8.
  ///
  /// u8 is divided by 255; floats are used as given.
  ///
  /// - Returns: rows, components.
  public static func run(
    pixels path: String, output: String, components: Int?, standardize: Standardization, limits: Recipe.Limits,
    events: EventHandler
  ) throws -> (samples: Int, components: Int) {
    let array = try NpyReader(path: path)
    guard array.shape.count == 2 || (array.shape.count == 4 && array.shape[3] == 3 && array.type == .uint8) else {
      throw NpyError(path: path, "the shape is \(array.shape); (n, D), or (n, H, W, 3) of '|u1', is wanted")
    }
    guard array.rowCount > 0, array.rowItems > 0 else { throw NpyError(path: path, "the array is empty") }
    guard standardize != .channel || array.shape.count == 4 else {
      throw PipelineError(.usage, "--standardize channel needs images (n, H, W, 3)")
    }
    if let components, components > min(array.rowCount, array.rowItems) {
      throw PipelineError(
        .usage, "--components \(components): (\(array.rowCount), \(array.rowItems)) has \(min(array.rowCount, array.rowItems))")
    }
    let plan = try MemoryPlan(limits)
    let features = array.rowItems
    let needed = max(ExactGram.bytes(features: features, threads: plan.workers), PCABasis.fitBytes(features: features))
    guard needed <= limits.memory else {
      throw PipelineError(
        .usage,
        "the PCA of \(features) features needs \(ByteSize.text(needed)), the limit is \(ByteSize.text(limits.memory)); "
          + "raise --memory")
    }
    events(.began(stage: "pca", shards: 1, bytes: UInt64(array.rowCount * array.rowBytes), samples: array.rowCount))
    do {
      let basis = try PCABasis.fit(
        try covariance(array, threads: plan.workers, events), standardization: standardize, components: components)
      let shape = array.shape.count == 4 ? [3, array.shape[1], array.shape[2]] : [features]
      try PCAFiles.write(
        basis, shape: shape, scale: array.type == .uint8 ? "1/255" : "1",
        key: try FileDigest(path: path).sha256, to: output)
      events(.ended(stage: "pca"))
      return (basis.count, basis.componentCount)
    } catch let error as PCAError {
      throw PipelineError(.badData, "\(path): \(error.description)")
    }
  }

  private static func covariance(
    _ array: borrowing NpyReader, threads: Int, _ events: EventHandler
  ) throws -> CovarianceMatrix {
    let block = max(1, (8 << 20) / array.rowBytes)
    let pixels = array.rowItems / 3
    let isImage = array.shape.count == 4
    if array.type == .uint8 {
      var gram = ExactGram(features: array.rowItems, threads: threads)
      for start in stride(from: 0, to: array.rowCount, by: block) {
        let rows = try array.rows(start..<min(start + block, array.rowCount))
        gram.add(isImage ? PixelLayout.planar(rows.span, pixels: pixels).span : rows.span)
        events(.progress(samples: start, bytes: UInt64(start * array.rowBytes)))
      }
      return try gram.covariance()
    }
    // Floats take two passes: means, then products about them.
    var means = FeatureMeans(features: array.rowItems)
    for start in stride(from: 0, to: array.rowCount, by: block) {
      means.add(try doubles(array, start..<min(start + block, array.rowCount)).span)
    }
    var gram = FloatGram(shift: means.means, threads: threads)
    for start in stride(from: 0, to: array.rowCount, by: block) {
      try gram.add(doubles(array, start..<min(start + block, array.rowCount)).span)
      events(.progress(samples: start, bytes: UInt64(start * array.rowBytes)))
    }
    return try gram.covariance()
  }

  private static func doubles(_ array: borrowing NpyReader, _ range: Range<Int>) throws(NpyError) -> [Double] {
    array.type == .float64
      ? try array.rows(range, as: Double.self) : try array.floats(range).map { Double($0) }
  }
}
