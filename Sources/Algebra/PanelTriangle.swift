internal import CBLAS
internal import Dispatch
internal import Synchronization

/// The upper triangle of a symmetric (n, n) Float64 matrix, kept as horizontal panels that threads fill side
/// by side.
///
/// Panel p holds rows 256p..<256(p+1) from column 256p on, so the whole takes about half of n² doubles. Each
/// panel is a sum of its own with one owner at a time; which thread adds to it does not change its bits.
final class PanelTriangle: Sendable {
  /// Rows of a panel (the last may be shorter).
  static let height = 256

  /// n.
  let order: Int
  private let panels: [Panel]

  /// Rows of one panel; the lock is never contended, it lets the compiler see that sharing is safe.
  private final class Panel: Sendable {
    let rows: Range<Int>
    let sums: Mutex<[Double]>

    init(rows: Range<Int>, order: Int) {
      self.rows = rows
      self.sums = Mutex([Double](repeating: 0, count: rows.count * (order - rows.lowerBound)))
    }
  }

  /// A triangle of zeros.
  init(order: Int) {
    precondition(order >= 1, "a matrix needs at least one row")
    self.order = order
    self.panels = stride(from: 0, to: order, by: Self.height).map { first in
      Panel(rows: first..<min(first + Self.height, order), order: order)
    }
  }

  /// Bytes that a triangle of this order takes.
  static func bytes(order: Int) -> Int {
    stride(from: 0, to: order, by: height).reduce(0) { bytes, first in
      bytes + 8 * min(height, order - first) * (order - first)
    }
  }

  /// Calls `body(rows, sums)` for every panel, on up to `threads` threads.
  ///
  /// `sums` is (rows.count, n − rows.lowerBound), row-major; in its leading square only the part on and right
  /// of the diagonal has a meaning.
  func update(threads: Int, _ body: @Sendable (_ rows: Range<Int>, _ sums: inout [Double]) -> Void) {
    let next = Atomic(0)
    let panels = self.panels
    @Sendable func work() {
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < panels.count else { return }
        panels[index].sums.withLock { body(panels[index].rows, &$0) }
      }
    }
    let workers = min(threads, panels.count)
    if workers <= 1 { return work() }
    DispatchQueue.concurrentPerform(iterations: workers) { _ in work() }
  }

  /// Calls `body(i, entries)` for row i = 0…n−1 in order; `entries[j − i]` is entry (i, j), j from i to n −
  /// 1.
  func forEachRow<Failure: Error>(
    _ body: (_ row: Int, _ entries: ArraySlice<Double>) throws(Failure) -> Void
  ) throws(Failure) {
    for panel in panels {
      try panel.sums.withLock { sums throws(Failure) in
        let width = order - panel.rows.lowerBound
        for (local, row) in panel.rows.enumerated() {
          try body(row, sums[(local * width + local)..<((local + 1) * width)])
        }
      }
    }
  }

  /// Adds another triangle of the same order.
  func add(_ other: PanelTriangle) {
    precondition(order == other.order, "triangles of different order")
    for (panel, addend) in zip(panels, other.panels) {
      panel.sums.withLock { sums in
        addend.sums.withLock { for i in sums.indices { sums[i] += $0[i] } }
      }
    }
  }

  /// Adds a triangle given row by row: `entries(i)` are (i, i) … (i, n − 1), asked for in order.
  func addRows<Failure: Error>(_ entries: (_ row: Int) throws(Failure) -> [Int64]) throws(Failure) {
    for panel in panels {
      let width = order - panel.rows.lowerBound
      try panel.sums.withLock { sums throws(Failure) in
        for (local, row) in panel.rows.enumerated() {
          let values = try entries(row)
          precondition(values.count == width - local, "wrong number of entries")
          let start = local * width + local
          for (offset, value) in values.enumerated() { sums[start + offset] += Double(value) }
        }
      }
    }
  }

  /// Adds a triangle given as its n(n+1)/2 entries, row by row.
  func add(packed: [Int64]) {
    precondition(packed.count == order * (order + 1) / 2, "wrong number of entries")
    var read = 0
    for panel in panels {
      panel.sums.withLock { sums in
        let width = order - panel.rows.lowerBound
        for local in 0..<panel.rows.count {
          for column in local..<width {
            sums[local * width + column] += Double(packed[read])
            read += 1
          }
        }
      }
    }
  }
}

extension OpenBLAS {
  /// A panel of `aᵀa`: `c[i, j] = Σ_t a[t, rows.lowerBound + i] · a[t, rows.lowerBound + j]`.
  ///
  /// - Parameters:
  ///   - a: (k, n), k ≥ 1; it may be longer.
  ///   - rows: the rows of `aᵀa` wanted, at least one.
  ///   - c: (rows.count, n − rows.lowerBound); below the diagonal of its leading square it is left as it was.
  static func panelProduct(n: Int, k: Int, rows: Range<Int>, _ a: [Float], _ c: inout [Float]) {
    let width = n - rows.lowerBound
    precondition(k >= 1 && !rows.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= n, "wrong range")
    precondition(a.count >= k * n, "panelProduct: wrong size")
    precondition(c.count == rows.count * width, "panelProduct: wrong size")
    let (order, depth, pitch) = (blasInt(n), blasInt(k), blasInt(width))
    let (height, rest) = (blasInt(rows.count), blasInt(width - rows.count))
    unsafe a.withUnsafeBufferPointer { a in
      unsafe c.withUnsafeMutableBufferPointer { c in
        guard let a = a.baseAddress, let c = c.baseAddress else { return }
        let left = unsafe a + rows.lowerBound
        unsafe cblas_ssyrk(
          CblasRowMajor, CblasUpper, CblasTrans, height, depth, 1, left, order, 0, c, pitch)
        if rest == 0 { return }
        unsafe cblas_sgemm(
          CblasRowMajor, CblasTrans, CblasNoTrans, height, rest, depth, 1, left, order,
          left + rows.count, order, 0, c + rows.count, pitch)
      }
    }
  }

  /// The same panel in Float64, *added* to `c`. Its bits are fixed while OpenBLAS uses one thread.
  static func addPanelProduct(n: Int, k: Int, rows: Range<Int>, _ a: [Double], _ c: inout [Double]) {
    let width = n - rows.lowerBound
    precondition(k >= 1 && !rows.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= n, "wrong range")
    precondition(a.count >= k * n, "panelProduct: wrong size")
    precondition(c.count == rows.count * width, "panelProduct: wrong size")
    let (order, depth, pitch) = (blasInt(n), blasInt(k), blasInt(width))
    let (height, rest) = (blasInt(rows.count), blasInt(width - rows.count))
    unsafe a.withUnsafeBufferPointer { a in
      unsafe c.withUnsafeMutableBufferPointer { c in
        guard let a = a.baseAddress, let c = c.baseAddress else { return }
        let left = unsafe a + rows.lowerBound
        unsafe cblas_dsyrk(
          CblasRowMajor, CblasUpper, CblasTrans, height, depth, 1, left, order, 1, c, pitch)
        if rest == 0 { return }
        unsafe cblas_dgemm(
          CblasRowMajor, CblasTrans, CblasNoTrans, height, rest, depth, 1, left, order,
          left + rows.count, order, 1, c + rows.count, pitch)
      }
    }
  }
}
