import Algebra
import Features
import Shards

/// Fits a basis of any kind on a source of images.
struct BasisFit {
  let pca: Recipe.PCA
  /// What stands before messages about a limit, such as `limits.memory`.
  var limitName = "limits.memory"
  let limits: Recipe.Limits
  let events: EventHandler
  private let threads: Int

  init(_ pca: Recipe.PCA, limits: Recipe.Limits, events: @escaping EventHandler) throws(PipelineError) {
    (self.pca, self.limits, self.events) = (pca, limits, events)
    threads = try MemoryPlan(limits).workers
  }

  /// Most bytes that the fit takes beside what the process takes anyway.
  func bytes(_ shape: PixelShape) -> Int {
    let features = shape.features
    switch pca.basis {
    case .full:
      return max(
        ExactGram.bytes(features: features, threads: threads), PCABasis.fitBytes(features: features))
    case .truncated:
      return BlockPower.bytes(features: features, components: components(features), threads: threads)
    case .separable, .dct, .patch:
      return StructuredStatistics.bytes(
        kind: pca.basis, shape: shape, patchSide: pca.patch ?? 0, threads: threads)
    }
  }

  private func components(_ features: Int) -> Int {
    min(pca.components ?? Recipe.PCA.defaultTruncated, features)
  }

  /// Refuses what LAPACK cannot take, and a memory limit that the fit would break, before any work (rule 3).
  func checkMemory(_ shape: PixelShape) throws(PipelineError) {
    guard pca.basis != .full || shape.features <= PCABasis.largestFeatures else {
      throw PipelineError(
        .usage,
        "a full PCA takes at most \(PCABasis.largestFeatures) features, there are \(shape.features): "
          + "take a separable, dct, truncated or patch basis")
    }
    let needed = bytes(shape)
    guard needed > limits.memory else { return }
    let what = shape.channels == 3 ? "\(shape.height) x \(shape.width) images" : "\(shape.features) features"
    throw PipelineError(
      .usage,
      "\(limitName): the \(pca.basis.rawValue) PCA of \(what) needs \(ByteSize.needed(needed)), "
        + "the limit is \(ByteSize.text(limits.memory))")
  }

  /// Reads the source as often as the basis needs and fits it.
  func fit(
    _ source: borrowing some PixelSource & ~Copyable, stage: String
  ) throws -> (basis: ComponentBasis, solver: String, passes: Int?) {
    do {
      switch pca.basis {
      case .full
      where source.isKeyed
        && PCABasis.prefersDual(count: source.count, features: source.shape.features):
        return (try dual(source, stage), "LAPACK dsyevd of the N x N dual, Float64, 2 threads", nil)
      case .full:
        return (try full(source, stage), PCAManifest.Origin.fullSolver, nil)
      case .separable, .dct, .patch:
        return (try structured(source, stage), Self.solver(pca.basis), nil)
      case .truncated:
        let (basis, passes) = try truncated(source, stage)
        return (basis, Self.solver(.truncated), passes)
      }
    } catch let error as PCAError {
      throw PipelineError(.badData, "PCA: \(error.description)")
    }
  }

  private static func solver(_ kind: ComponentBasis.Kind) -> String {
    switch kind {
    case .full: PCAManifest.Origin.fullSolver
    case .separable: "LAPACK dsyevd of exact mode covariances, Float64; variances measured in a second pass"
    case .dct: "none: DCT-II; variances measured in a second pass"
    case .patch: "LAPACK dsyevd of the exact patch covariance, Float64; variances measured in a second pass"
    case .truncated: "block power iterations, Cholesky-QR in Float64, Rayleigh-Ritz"
    }
  }

  /// Calls `body` for each block of a pass over the data and reports progress.
  private func pass(
    _ source: borrowing some PixelSource & ~Copyable, _ name: String, rows: Int, canonical: Bool = false,
    _ body: ([UInt8]) throws -> Void
  ) throws {
    let (features, total) = (source.shape.features, source.count)
    events(.began(stage: name, shards: 1, bytes: UInt64(total * features), samples: total))
    var done = 0
    let counted = { (block: [UInt8]) throws -> Void in
      try body(block)
      done += block.count / features
      events(.progress(samples: done, bytes: UInt64(done * features)))
    }
    if canonical {
      try source.forEachCanonicalBlock(of: rows, counted)
    } else {
      try source.forEachBlock(of: rows, counted)
    }
    events(.ended(stage: name))
  }

  private func full(
    _ source: borrowing some PixelSource & ~Copyable, _ stage: String
  ) throws -> ComponentBasis {
    let shape = source.shape
    var gram = ExactGram(features: shape.features, threads: threads)
    try pass(source, stage, rows: max(1, min(256, (8 << 20) / shape.features))) { gram.add($0.span) }
    let basis = try PCABasis.fit(
      try gram.covariance(), standardization: pca.standardize, channels: shape.channels,
      components: pca.components)
    return ComponentBasis(basis, shape: shape.channels == 3 ? shape : nil)
  }

  /// Few images: the N × N problem, images in canonical order. It needs far less memory than D × D.
  private func dual(
    _ source: borrowing some PixelSource & ~Copyable, _ stage: String
  ) throws -> ComponentBasis {
    let shape = source.shape
    var rows: [UInt8] = []
    rows.reserveCapacity(source.count * shape.features)
    var moments = ExactMoments(features: shape.features)
    try pass(source, stage, rows: max(1, (8 << 20) / shape.features), canonical: true) {
      moments.add($0.span)
      rows += $0
    }
    let (mean, deviation) = try moments.result()
    let scaling = FeatureScaling(
      mean: mean, deviation: deviation, pca.standardize, channels: shape.channels)
    let basis = try PCABasis.fitDual(
      rows, mean: mean, scaling: scaling, components: pca.components, threads: threads)
    return ComponentBasis(basis, shape: shape.channels == 3 ? shape : nil)
  }

  private func structured(
    _ source: borrowing some PixelSource & ~Copyable, _ stage: String
  ) throws -> ComponentBasis {
    let batch = StructuredStatistics.batch(source.shape)
    var statistics = StructuredStatistics(
      kind: pca.basis, shape: source.shape, patchSide: pca.patch ?? 0, threads: threads)
    try pass(source, stage, rows: batch) { statistics.add($0) }
    var measure = try statistics.measure(pca.standardize)
    try pass(source, stage + ": variances", rows: batch) { measure.add($0) }
    return measure.basis()
  }

  private func truncated(
    _ source: borrowing some PixelSource & ~Copyable, _ stage: String
  ) throws -> (ComponentBasis, passes: Int) {
    let shape = source.shape
    var moments = ExactMoments(features: shape.features)
    try pass(source, stage, rows: max(1, (8 << 20) / shape.features)) { moments.add($0.span) }
    let (mean, deviation) = try moments.result()
    let scaling = FeatureScaling(
      mean: mean, deviation: deviation, pca.standardize, channels: shape.channels)
    let centre = CentredRows(mean: mean, scaling: scaling)
    // N samples span N − 1 directions about their mean.
    let count = min(components(shape.features), source.count - 1)
    var power = try BlockPower.start(
      features: shape.features, count: source.count, components: count, threads: threads)
    var goesOn = true
    while goesOn {
      try pass(source, stage + ": pass \(power.passes + 1)", rows: power.blockRows, canonical: true) {
        power.add(centre.rows(of: $0.span))
      }
      goesOn = try power.endPass()
    }
    try pass(source, stage + ": last pass", rows: power.blockRows, canonical: true) {
      power.add(centre.rows(of: $0.span))
    }
    let passes = power.passes + 1
    let (values, vectors) = try power.finish()
    let total = scaling.totalVariance(deviation: deviation, count: source.count)
    let basis = ComponentBasis(
      kind: .truncated, shape: shape.channels == 3 ? shape : nil, count: source.count, scaling: scaling,
      eigenvalues: values, totalVariance: total,
      transform: .dense(DenseTransform(components: vectors, features: shape.features)))
    return (basis, passes)
  }
}
