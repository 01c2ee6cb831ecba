/// Positions grouped by a label, ascending inside each group (a stable counting sort).
package struct Buckets: Sendable {
  private let starts: [Int]
  private let positions: [Int32]

  /// Groups the positions of `labels`; labels lie in `0 ..< count`, negative ones belong to no group.
  package init(_ labels: [Int32], count: Int) {
    var starts = [Int](repeating: 0, count: count + 1)
    for label in labels where label >= 0 { starts[Int(label) + 1] += 1 }
    for i in 0..<count { starts[i + 1] += starts[i] }
    var next = starts
    var positions = [Int32](repeating: 0, count: starts[count])
    for (position, label) in labels.enumerated() where label >= 0 {
      positions[next[Int(label)]] = Int32(position)
      next[Int(label)] += 1
    }
    self.starts = starts
    self.positions = positions
  }

  /// Number of groups.
  package var count: Int { starts.count - 1 }

  /// The positions of group `label`, ascending.
  package subscript(label: Int) -> ArraySlice<Int32> { positions[starts[label]..<starts[label + 1]] }
}
