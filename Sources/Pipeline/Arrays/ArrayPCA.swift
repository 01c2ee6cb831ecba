import Algebra
import Features
import Shards

/// `tamis pca` on an array: the files of `models/pca` without a workspace.
public enum ArrayPCA {
  /// Fits `X`: `|u1 (n, H, W, 3)` (flattened to CHW), or `(n, D)` of u8, f2, f4 or f8.
  ///
  /// u8 is divided by 255; floats are used as given, for a full basis only.
  ///
  /// - Parameter pca: basis, components, patch and standardisation.
  /// - Returns: rows, components.
  public static func run(
    pixels path: String, output: String, pca: Recipe.PCA, limits: Recipe.Limits,
    events: @escaping EventHandler
  ) throws -> (samples: Int, components: Int) {
    let output = try ArrayFiles.output(output, names: PCAFiles.allNames)
    let array = try open(path)
    try check(pca, array)
    do {
      let scale = array.type == .uint8 ? "1/255" : "1"
      var origin = PCAManifest.Origin(key: try FileDigest(path: path).sha256, scale: scale)
      let basis: ComponentBasis
      if array.type == .uint8 {
        var fit = try BasisFit(pca, limits: limits, events: events)
        fit.limitName = "--memory"
        let pixels = ArrayPixels(array)
        try fit.checkMemory(pixels.shape)
        (basis, origin.solver, origin.passes) = try fit.fit(pixels, stage: "pca")
      } else {
        basis = try floatBasis(array, pca, limits, events)
      }
      try PCAFiles.write(basis, origin, to: output)
      return (basis.count, basis.componentCount)
    } catch let error as PCAError {
      throw PipelineError(.badData, "\(path): \(error.description)")
    }
  }

  /// Opens an array that a PCA can be made of.
  static func open(_ path: String) throws -> NpyReader {
    let array = try ArrayFiles.open(path)
    guard array.shape.count == 2 || (array.shape.count == 4 && array.shape[3] == 3 && array.type == .uint8)
    else {
      throw NpyError(path: path, "the shape is \(array.shape); (n, D), or (n, H, W, 3) of '|u1', is wanted")
    }
    guard array.rowCount > 0, array.rowItems > 0 else { throw NpyError(path: path, "the array is empty") }
    return array
  }

  /// The images of an array; nil for rows.
  static func shape(of array: borrowing NpyReader) -> PixelShape? {
    array.shape.count == 4 ? PixelShape(height: array.shape[1], width: array.shape[2]) : nil
  }

  /// Refuses what the array cannot give.
  private static func check(_ pca: Recipe.PCA, _ array: borrowing NpyReader) throws {
    let isImage = array.shape.count == 4
    guard pca.standardize != .channel || isImage else {
      throw PipelineError(.usage, "--standardize channel needs images (n, H, W, 3)")
    }
    if let components = pca.components {
      let most = min(array.rowCount, array.rowItems)
      guard pca.basis == .full || pca.basis == .truncated else {
        throw PipelineError(.usage, "--components: a \(pca.basis.rawValue) basis has all of them")
      }
      guard components <= most else {
        throw PipelineError(
          .usage, "--components \(components): (\(array.rowCount), \(array.rowItems)) has \(most)")
      }
      guard pca.basis == .full || components <= Recipe.PCA.largestTruncated else {
        throw PipelineError(
          .usage, "--components: a truncated basis has at most \(Recipe.PCA.largestTruncated)")
      }
    }
    guard pca.basis == .full || array.type == .uint8 else {
      throw PipelineError(
        .usage, "--basis \(pca.basis.rawValue) takes '|u1', the array is '\(array.type.code)'")
    }
    guard pca.basis == .full || pca.basis == .truncated || isImage else {
      throw PipelineError(.usage, "--basis \(pca.basis.rawValue) needs images (n, H, W, 3)")
    }
    if pca.basis == .patch, let patch = pca.patch, isImage,
      !PatchTransform.fits(PixelShape(height: array.shape[1], width: array.shape[2]), side: patch)
    {
      throw PipelineError(
        .usage, "--patch \(patch) does not divide \(array.shape[1]) x \(array.shape[2])")
    }
  }

  private static func floatBasis(
    _ array: borrowing NpyReader, _ pca: Recipe.PCA, _ limits: Recipe.Limits, _ events: EventHandler
  ) throws -> ComponentBasis {
    let plan = try MemoryPlan(limits)
    let features = array.rowItems
    let needed = max(FloatGram.bytes(features: features), PCABasis.fitBytes(features: features))
    guard needed <= limits.memory else {
      throw PipelineError(
        .usage,
        "--memory: the full PCA of \(features) features needs \(ByteSize.needed(needed)), "
          + "the limit is \(ByteSize.text(limits.memory))")
    }
    events(
      .began(stage: "pca", shards: 1, bytes: UInt64(array.rowCount * array.rowBytes), samples: array.rowCount)
    )
    let basis = try PCABasis.fit(
      try floatCovariance(array, threads: plan.workers, events), standardization: pca.standardize,
      components: pca.components)
    events(.ended(stage: "pca"))
    return ComponentBasis(basis, shape: nil)
  }

  /// 8-bit rows: one pass, exact, order-free.
  static func exactGram(
    _ array: borrowing NpyReader, threads: Int, _ events: EventHandler
  ) throws -> ExactGram {
    let pixels = array.rowItems / 3
    let isImage = array.shape.count == 4
    var gram = ExactGram(features: array.rowItems, threads: threads)
    for range in blocks(of: array) {
      var rows = try array.rows(range)
      if isImage { rows = PixelLayout.planar(rows.span, pixels: pixels) }
      gram.add(rows.span)
      events(.progress(samples: range.upperBound, bytes: UInt64(range.upperBound * array.rowBytes)))
    }
    return gram
  }

  /// Float rows: two passes, means first, then products about them.
  private static func floatCovariance(
    _ array: borrowing NpyReader, threads: Int, _ events: EventHandler
  ) throws -> CovarianceMatrix {
    var means = FeatureMeans(features: array.rowItems)
    for range in blocks(of: array) {
      let rows = try doubles(array, range)
      if let bad = rows.firstIndex(where: { !$0.isFinite }) {
        throw PCAError.notFinite(row: range.lowerBound + bad / array.rowItems)
      }
      means.add(rows.span)
    }
    var gram = FloatGram(shift: means.means, threads: threads)
    for range in blocks(of: array) {
      let rows = try doubles(array, range)
      try gram.add(rows.span)
      events(.progress(samples: range.upperBound, bytes: UInt64(range.upperBound * array.rowBytes)))
    }
    return try gram.covariance()
  }

  /// Row ranges of about 8 MiB.
  private static func blocks(of array: borrowing NpyReader) -> [Range<Int>] {
    let (count, step) = (array.rowCount, max(1, (8 << 20) / array.rowBytes))
    return stride(from: 0, to: count, by: step).map { $0..<min($0 + step, count) }
  }

  private static func doubles(_ array: borrowing NpyReader, _ range: Range<Int>) throws(NpyError) -> [Double]
  {
    array.type == .float64
      ? try array.rows(range, as: Double.self) : try array.floats(range).map { Double($0) }
  }
}
