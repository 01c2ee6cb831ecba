internal import Algebra

/// What pruning holds in memory: numbers of each sample, the training rows of k-means, and tiles. Rows stay on disk.
public enum PruneMemory {
  /// Bytes held for each sample at the peak, beside its key: verdict, origin, order, and what the stage at work adds.
  static let bytesPerSample = 150

  /// About how many bytes pruning `rows` rows takes, beside references and centroids that are given.
  ///
  /// - Parameters:
  ///   - keyBytes: of all keys together.
  ///   - rowBytes: of a stored image row.
  public static func bytes(rows: Int, keyBytes: Int, rowBytes: Int, _ settings: PruneSettings) -> Int {
    let dimension = rowBytes / 2
    var clusters: [Int] = []
    if let dedup = settings.dedup {
      clusters.append(dedup.clusters ?? DedupStage.automaticClusters(rows))
    }
    if let concepts = settings.concepts {
      clusters.append(concepts.clusters ?? ConceptStage.automaticClusters(rows))
    }
    // Training rows with their numbers; centroids, their predecessors and their sums.
    let training = clusters.map { k in
      min(rows, 256 * k) * (rowBytes + 40) + k * dimension * 16
    }
    let search =
      (NearestCentroid.tileRows + NearestCentroid.tileColumns) * dimension
      + NearestCentroid.tileRows * NearestCentroid.tileColumns
    let scratch = max(search, settings.dedup == nil ? 0 : DedupPanel.scratchValues(dimension: dimension))
    return rows * bytesPerSample + keyBytes + (training.max() ?? 0) + settings.threads * scratch * 4
  }
}
