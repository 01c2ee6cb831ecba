/// What shows whether the quotas of concepts make sense, for people.
public struct ConceptDiagnostics: Sendable, Equatable, Codable {
  /// Clusters with rows.
  public var concepts: Int
  public var emptyClusters: Int
  /// Largest and least part of the total that a concept is to keep before bounds. Where they are nearly equal the
  /// temperature is too high to matter; where they lie far apart few concepts take everything.
  public var largestShare: Double
  public var leastShare: Double
  /// Concepts of which every row is kept.
  public var saturated: Int
  /// Concepts that keep the least that the balance allows, and not all their rows.
  public var atFloor: Int
  public var smallestQuota: Int
  public var largestQuota: Int
  /// Rows of the largest concept.
  public var largestConcept: Int
  /// Concepts whose centroid nearly coincides with another.
  public var coinciding: Int?

  enum CodingKeys: String, CodingKey {
    case concepts, saturated, coinciding
    case emptyClusters = "empty_clusters"
    case largestShare = "largest_share"
    case leastShare = "least_share"
    case atFloor = "at_floor"
    case smallestQuota = "smallest_quota"
    case largestQuota = "largest_quota"
    case largestConcept = "largest_concept"
  }

  init(share: [Double], sizes: [Int], _ quotas: Quotas, coinciding: Int? = nil) {
    let live = sizes.indices.filter { sizes[$0] > 0 }
    concepts = live.count
    emptyClusters = sizes.count - live.count
    largestShare = live.map { share[$0] }.max() ?? 0
    leastShare = live.map { share[$0] }.min() ?? 0
    saturated = live.count { quotas.quota[$0] == sizes[$0] }
    atFloor = live.count { quotas.quota[$0] == quotas.lower[$0] && quotas.quota[$0] < sizes[$0] }
    smallestQuota = live.map { quotas.quota[$0] }.min() ?? 0
    largestQuota = live.map { quotas.quota[$0] }.max() ?? 0
    largestConcept = sizes.max() ?? 0
    self.coinciding = coinciding
  }

  /// Signs that the clustering has collapsed: most centroids are one direction, or one concept holds most rows.
  func notices(sizes: [Int]) -> [PruneNotice] {
    var found: [PruneNotice] = []
    if let coinciding, coinciding * 2 > concepts {
      found.append(.conceptsCoincide(coinciding, of: concepts))
    }
    let rows = sizes.reduce(0, +)
    if sizes.count >= 8, largestConcept * 2 > rows, let cluster = sizes.firstIndex(of: largestConcept) {
      found.append(.conceptDominates(cluster: cluster, rows: largestConcept, of: rows))
    }
    return found
  }
}
