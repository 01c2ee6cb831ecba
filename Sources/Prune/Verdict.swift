/// Why a row was kept or dropped; raw values are those of the verdict file and are only ever added to.
public enum Reason: UInt8, Sendable, CaseIterable {
  case kept = 0
  /// Too similar to an earlier row of its dedup cluster.
  case duplicate = 1
  /// Image and caption do not match well enough.
  case score = 2
  /// Beyond the quota of its concept.
  case quota = 3
  /// Too near to, or too far from, the reference images.
  case reference = 4
  /// Outside the wanted domain.
  case domain = 5
  /// The filter expression is false.
  case filter = 6
}

/// The decision about one row and the numbers behind it: the fields of the 26-byte verdict row.
///
/// What was not computed is −1 (integers) or NaN (floats).
public struct Verdict: Sendable {
  public var kept = true
  public var reason = Reason.kept
  /// Concept cluster.
  public var cluster: Int32 = -1
  /// Cosine distance to the centroid of `cluster`.
  public var distance = Float.nan
  /// Largest dot product with an earlier row of the dedup order, at least 0; 0 for the first row.
  public var duplicateSimilarity = Float.nan
  /// Shard of that earlier row; −1 when no earlier row has a positive dot product.
  public var duplicateShard: Int32 = -1
  /// Row of that earlier row inside its shard.
  public var duplicateRow: Int32 = -1
  /// Dot product of the joint and text rows, or the score given.
  public var score = Float.nan

  public init() {}

  /// Drops the row for `reason`; the first drop stays.
  public mutating func drop(_ reason: Reason) {
    guard kept else { return }
    kept = false
    self.reason = reason
  }
}

extension Verdict: Equatable {
  /// Bit for bit: two NaN fields are equal.
  public static func == (a: Verdict, b: Verdict) -> Bool {
    a.kept == b.kept && a.reason == b.reason && a.cluster == b.cluster
      && a.distance.bitPattern == b.distance.bitPattern
      && a.duplicateSimilarity.bitPattern == b.duplicateSimilarity.bitPattern
      && a.duplicateShard == b.duplicateShard && a.duplicateRow == b.duplicateRow
      && a.score.bitPattern == b.score.bitPattern
  }
}
