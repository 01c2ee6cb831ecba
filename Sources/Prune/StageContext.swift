internal import Algebra

/// What all stages share.
struct StageContext {
  let settings: PruneSettings
  /// Key hash of each row.
  let keyHashes: [UInt64]
  /// Hash of the stored bits of each image row; empty where no stage asks for it.
  var rowHashes: [UInt64] = []
  let progress: (PruneStep) -> Void
  var notices: [PruneNotice] = []

  /// The centroids given, or those of a new clustering of the rows `survivors` of `matrix`.
  mutating func centroids(
    _ given: EmbeddingMatrix?, _ clusters: Int, _ survivors: [Int32], _ matrix: EmbeddingMatrix,
    epoch: UInt64, stage: String
  ) throws(PruneError) -> EmbeddingMatrix {
    if let given { return given }
    let kmeans = clustering(clusters, epoch)
    do {
      let fit = try KMeans.fit(survivors, of: matrix, keyHashes: keyHashes, kmeans)
      if fit.repairs > 0 { notices.append(.clustersRefilled(stage: stage, count: fit.repairs)) }
      return fit.centroids
    } catch {
      throw .clusters(stage: stage, clusters: clusters, rows: survivors.count)
    }
  }

  private func clustering(_ clusters: Int, _ epoch: UInt64) -> KMeans.Settings {
    var kmeans = KMeans.Settings(clusters: clusters)
    kmeans.iterations = settings.iterations
    kmeans.seed = settings.seed
    kmeans.epoch = epoch
    kmeans.threads = settings.threads
    return kmeans
  }

  /// For each of the rows `survivors` whether ``centroids(_:_:_:_:epoch:stage:)`` trains on it.
  func trained(_ survivors: [Int32], clusters: Int, epoch: UInt64) -> [Bool] {
    let sample = Set(
      KMeans.trainingSample(survivors, keyHashes: keyHashes, clustering(clusters, epoch)))
    return survivors.map(sample.contains)
  }

  /// The random rank of a row.
  func randomValue(_ row: Int32) -> UInt64 {
    Ranking.randomValue(seed: settings.seed, keyHash: keyHashes[Int(row)])
  }
}
