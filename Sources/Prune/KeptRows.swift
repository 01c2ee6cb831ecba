internal import Algebra

/// The rows kept so far, by dedup cluster, in the order they were kept: 4·d bytes a row.
struct KeptRows: Sendable {
  /// The nearest kept row.
  struct Match {
    var similarity: Float = 0
    var shard: Int32 = -1
    var row: Int32 = -1
  }

  /// Rows of one cluster in blocks of at most `blockRows`, and where they came from.
  private struct Cluster: Sendable {
    var blocks: [[Float]] = []
    var origin: [(shard: Int32, row: Int32)] = []
  }

  private static let blockRows = 1024
  private let centroids: EmbeddingMatrix
  private var clusters: [Cluster]

  init(_ centroids: EmbeddingMatrix) {
    self.centroids = centroids
    clusters = [Cluster](repeating: Cluster(), count: centroids.rows)
  }

  var dimension: Int { centroids.dimension }

  private func cluster(of values: [Float]) -> Int {
    let own = EmbeddingMatrix(values, dimension: dimension)
    return Int(NearestCentroid.assign([0], of: own, to: centroids, threads: 1).centroid[0])
  }

  mutating func append(_ values: [Float], shard: Int32, row: Int32) {
    let index = cluster(of: values)
    if clusters[index].origin.count % Self.blockRows == 0 { clusters[index].blocks.append([]) }
    clusters[index].blocks[clusters[index].blocks.count - 1] += values
    clusters[index].origin.append((shard, row))
  }

  /// The most similar kept row of the same cluster, the earliest kept on a tie; none where no dot is positive.
  func nearest(_ values: [Float]) -> Match {
    let cluster = clusters[cluster(of: values)]
    let d = dimension
    var best = RunningBest(floor: 0)
    var proposals: [Float] = []
    func exact(_ row: Int32) -> Double {
      let (block, offset) = Int(row).quotientAndRemainder(dividingBy: Self.blockRows)
      return FixedOrderDot.dot(values, Array(cluster.blocks[block][offset * d..<(offset + 1) * d]))
    }
    for (number, block) in cluster.blocks.enumerated() {
      let count = block.count / d
      NearestCentroid.propose(values, 1, block, count, d, &proposals)
      best.absorb(
        proposals.span, 0..<count, first: number * Self.blockRows, row: values.span, tile: block.span,
        leader: exact)
    }
    if best.column < 0 { return Match() }
    let origin = cluster.origin[Int(best.column)]
    return Match(similarity: Float(best.exact ?? exact(best.column)), shard: origin.shard, row: origin.row)
  }
}
