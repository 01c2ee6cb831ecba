public import Algebra
internal import Synchronization

/// Where a kept row came from.
public struct KeptOrigin: Sendable, Equatable {
  public var shard: Int32
  public var row: Int32

  public init(shard: Int32, row: Int32) {
    self.shard = shard
    self.row = row
  }
}

/// Rows of one dedup cluster that follow one another.
public struct KeptBlock: Sendable {
  /// `(b, d)`, in memory.
  public var rows: EmbeddingMatrix
  /// `(b,)`.
  public var origins: [KeptOrigin]

  /// Precondition: one origin a row.
  public init(_ rows: EmbeddingMatrix, _ origins: [KeptOrigin]) {
    precondition(rows.rows == origins.count)
    self.rows = rows
    self.origins = origins
  }
}

/// The rows that a stream kept so far, by dedup cluster, in the order in which they were kept; in memory
/// (``KeptRowsInMemory``) or elsewhere. Any thread may read; one at a time appends, while no other reads.
public protocol KeptRowStore: AnyObject, Sendable {
  /// Rows of a cluster.
  func count(of cluster: Int) -> Int
  /// The rows `number · blockRows ..<` at most `blockRows` further of a cluster; at least one.
  func block(_ number: Int, of cluster: Int) throws -> KeptBlock
  /// Adds a row, `(d,)`, to a cluster.
  func append(_ values: ArraySlice<Float>, _ origin: KeptOrigin, to cluster: Int) throws
}

extension KeptRowStore {
  /// Rows of a block; the last of a cluster may have fewer.
  public static var blockRows: Int { 1024 }
}

/// Kept rows in memory: 4·d + 8 bytes a row.
public final class KeptRowsInMemory: KeptRowStore {
  private struct Cluster: Sendable {
    var values: [[Float]] = []
    var origins: [[KeptOrigin]] = []
  }

  private let dimension: Int
  private let clusters: Mutex<[Cluster]>

  public init(clusters: Int, dimension: Int) {
    self.dimension = dimension
    self.clusters = Mutex([Cluster](repeating: Cluster(), count: clusters))
  }

  public func count(of cluster: Int) -> Int {
    clusters.withLock { clusters in
      guard let last = clusters[cluster].origins.last else { return 0 }
      return (clusters[cluster].origins.count - 1) * Self.blockRows + last.count
    }
  }

  public func block(_ number: Int, of cluster: Int) -> KeptBlock {
    clusters.withLock {
      KeptBlock(
        EmbeddingMatrix($0[cluster].values[number], dimension: dimension), $0[cluster].origins[number])
    }
  }

  public func append(_ values: ArraySlice<Float>, _ origin: KeptOrigin, to cluster: Int) {
    clusters.withLock { clusters in
      if clusters[cluster].origins.last?.count ?? Self.blockRows == Self.blockRows {
        clusters[cluster].values.append([])
        clusters[cluster].origins.append([])
      }
      let last = clusters[cluster].origins.count - 1
      clusters[cluster].values[last] += values
      clusters[cluster].origins[last].append(origin)
    }
  }
}
