/// The running winner of one row over tiles of proposed similarities.
///
/// Float32 products from BLAS only propose. Whenever two candidates are within ``margin`` of each other both
/// are redone by ``FixedOrderDot`` and compared as Float32 (design rule 1); the earlier column wins a tie.
package struct RunningBest {
  /// A proposal may be off the true dot of unit rows by far less than half of this.
  package static let margin: Float = 1e-5

  /// The column that leads, −1 if none yet.
  package private(set) var column: Int32 = -1
  /// The leader's similarity: proposed, or exact once `exact` is set.
  package private(set) var similarity: Float
  /// The leader's Float64 dot, if it had to be computed.
  package private(set) var exact: Double?

  /// No column but the leader is proposed with more than this; +∞ once two were too close to call.
  private var runnerUp = -Float.infinity

  /// How far the leader is ahead of all others by the proposals; −∞ where Float64 had to decide.
  package var lead: Float { similarity - runnerUp }

  /// No leader; any column beats it.
  package init() {
    similarity = -.infinity
  }

  /// No leader, and only columns with a similarity above `floor` can lead.
  package init(floor: Float) {
    similarity = floor
    exact = Double(floor)
  }

  /// Takes in the columns `range` of a tile.
  ///
  /// - Parameters:
  ///   - proposals: Float32 similarities of the row with the tile's columns.
  ///   - range: the columns of the tile to look at.
  ///   - first: the number of the tile's column 0.
  ///   - row: the row, `(d,)`.
  ///   - tile: the tile's columns, `(columns, d)`.
  ///   - leader: the present leader's values, `(d,)`, asked for only when it must be redone.
  @inline(__always)
  package mutating func absorb(
    _ proposals: Span<Float>, _ range: Range<Int>, first: Int, row: Span<Float>, tile: Span<Float>,
    leader: (Int32) -> Double
  ) {
    if range.isEmpty { return }
    let segment = proposals.extracting(range)
    let best = Self.maximum(segment)
    if best < similarity - Self.margin {
      runnerUp = max(runnerUp, best)
      return
    }
    let bar = max(best, similarity) - Self.margin
    let found = Self.atLeast(bar, segment)
    if best > similarity + Self.margin && found.count == 1 {
      runnerUp = max(runnerUp, similarity, found.below)
      column = Int32(first + range.lowerBound + found.indexSum)
      similarity = best
      exact = nil
      return
    }
    runnerUp = .infinity
    if best > similarity + Self.margin {
      column = -1
      exact = -.infinity
    } else if exact == nil {
      exact = leader(column)
    }
    var lead = Float(exact!)
    let d = row.count
    for i in segment.indices where segment[i] >= bar {
      let start = (range.lowerBound + i) * d
      let dot = FixedOrderDot.dot(row, tile.extracting(start..<start + d))
      if Float(dot) > lead {
        lead = Float(dot)
        exact = dot
        column = Int32(first + range.lowerBound + i)
      }
    }
    similarity = lead
  }

  /// The largest value; floats are compared as integers, in a form that vectorises.
  @inline(__always)
  private static func maximum(_ values: Span<Float>) -> Float {
    var top = ordered(-.infinity)
    for i in values.indices { top = max(top, ordered(values[i])) }
    return value(top)
  }

  /// How many values reach `bar`, the sum of their indices (the index itself when there is one), and the largest value
  /// below, −∞ if there is none.
  @inline(__always)
  private static func atLeast(
    _ bar: Float, _ values: Span<Float>
  ) -> (count: Int, indexSum: Int, below: Float) {
    let limit = ordered(bar)
    let least = ordered(-.infinity)
    var count: Int32 = 0
    var sum: Int32 = 0
    var below = least
    for i in values.indices {
      let value = ordered(values[i])
      let hit: Int32 = value >= limit ? -1 : 0
      count &-= hit
      sum &+= hit & Int32(truncatingIfNeeded: i)
      below = max(below, hit == 0 ? value : least)
    }
    return (Int(count), Int(sum), value(below))
  }

  /// The Float32 that `ordered` made this of.
  @inline(__always)
  private static func value(_ ordered: Int32) -> Float {
    Float(bitPattern: UInt32(bitPattern: ordered ^ ((ordered >> 31) & 0x7fff_ffff)))
  }

  /// The bits of `value` as an integer with the same order.
  @inline(__always)
  private static func ordered(_ value: Float) -> Int32 {
    let bits = Int32(bitPattern: value.bitPattern)
    return bits ^ ((bits >> 31) & 0x7fff_ffff)
  }
}
