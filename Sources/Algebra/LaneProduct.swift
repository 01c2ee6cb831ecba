internal import CBLAS

/// Products of one matrix with many rows, in Float32 by BLAS, where the bits of a result row depend on its own row
/// and the matrix only: not on the number of rows, and not on the place among them.
///
/// Plain GEMM does not give that: its kernels round a row differently at different places of a block, and so do
/// more threads. Here BLAS is called for 16 rows at a time, lying side by side as the lanes of its vectors, so that
/// every call has the same shape and every lane the same operations; and each call is so small (at most 2¹⁸
/// products) that OpenBLAS gives it to one thread, whatever the thread count. What is missing in the last 16 is
/// zero. The bits hold for one OpenBLAS kernel. It runs at 0.6 to 0.8 of the speed of one large `sgemm`.
public enum LaneProduct {
  private static let lanes = 16
  /// Outputs and depth of one call for each form: OpenBLAS packs them differently.
  private static let transposedTile = (outputs: 128, depth: 128)
  private static let plainTile = (outputs: 256, depth: 64)

  /// `rows · matrixᵀ`: (n, k) and (m, k) give (n, m).
  ///
  /// - Parameters:
  ///   - matrix: (m, k), row-major.
  ///   - rows: (n, k), back to back.
  ///   - width: k ≥ 1.
  /// - Precondition: whole rows.
  public static func withTransposed(_ matrix: Span<Float>, _ rows: Span<Float>, width: Int) -> [Float] {
    precondition(width >= 1 && matrix.count.isMultiple(of: width), "a matrix of whole rows")
    return tiled(rows, width: width, outputs: matrix.count / width, Self.transposedTile) {
      outputs, depth, lanes, target in
      multiply(
        CblasNoTrans, matrix, from: outputs.lowerBound * width + depth.lowerBound, pitch: width, outputs,
        depth, lanes, width, &target)
    }
  }

  /// `rows · matrix`: (n, k) and (k, m) give (n, m).
  ///
  /// - Parameters:
  ///   - matrix: (k, m), row-major.
  ///   - rows: (n, k), back to back.
  ///   - width: k ≥ 1.
  /// - Precondition: whole rows.
  public static func with(_ matrix: Span<Float>, _ rows: Span<Float>, width: Int) -> [Float] {
    precondition(width >= 1 && matrix.count.isMultiple(of: width), "a matrix of whole rows")
    let outputs = matrix.count / width
    return tiled(rows, width: width, outputs: outputs, Self.plainTile) { tile, depth, lanes, target in
      multiply(
        CblasTrans, matrix, from: depth.lowerBound * outputs + tile.lowerBound, pitch: outputs, tile, depth,
        lanes, width, &target)
    }
  }

  /// Adds the product over one range of depth (or sets it, for the first) for one tile of outputs.
  private static func multiply(
    _ transpose: CBLAS_TRANSPOSE, _ matrix: Span<Float>, from start: Int, pitch: Int, _ outputs: Range<Int>,
    _ depth: Range<Int>, _ lanes: Span<Float>, _ width: Int, _ target: inout [Float]
  ) {
    let last =
      transpose == CblasNoTrans
      ? start + (outputs.count - 1) * pitch + depth.count : start + (depth.count - 1) * pitch + outputs.count
    precondition(start >= 0 && last <= matrix.count, "outside the matrix")
    precondition(lanes.count == Self.lanes * width && depth.upperBound <= width, "wrong lanes")
    precondition(target.count >= outputs.count * Self.lanes, "no room for the products")
    let (count, size) = (OpenBLAS.blasInt(outputs.count), OpenBLAS.blasInt(depth.count))
    unsafe matrix.withUnsafeBufferPointer { a in
      unsafe lanes.withUnsafeBufferPointer { b in
        unsafe target.withUnsafeMutableBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress else { return }
          unsafe cblas_sgemm(
            CblasRowMajor, transpose, CblasTrans, count, 16, size, 1, a + start, OpenBLAS.blasInt(pitch),
            b + depth.lowerBound, OpenBLAS.blasInt(width), depth.lowerBound == 0 ? 0 : 1, c.baseAddress, 16)
        }
      }
    }
  }

  /// Calls `product` for each tile of outputs, each group of 16 rows and each range of depth in order; it fills
  /// (outputs, 16).
  private static func tiled(
    _ rows: Span<Float>, width: Int, outputs: Int, _ tile: (outputs: Int, depth: Int),
    _ product: (Range<Int>, _ depth: Range<Int>, _ lanes: Span<Float>, _ target: inout [Float]) -> Void
  ) -> [Float] {
    precondition(rows.count.isMultiple(of: width), "not a whole number of rows")
    let count = rows.count / width
    var result = [Float](repeating: 0, count: count * outputs)
    let rest = count % lanes
    var padded = [Float](repeating: 0, count: rest == 0 ? 0 : lanes * width)
    let tail = (count - rest) * width
    for i in 0..<(rest * width) { padded[i] = rows[tail + i] }
    for first in stride(from: 0, to: outputs, by: tile.outputs) {
      let range = first..<min(first + tile.outputs, outputs)
      var products = [Float](repeating: 0, count: range.count * lanes)
      for group in stride(from: 0, to: count, by: lanes) {
        let size = min(lanes, count - group)
        for start in stride(from: 0, to: width, by: tile.depth) {
          let depth = start..<min(start + tile.depth, width)
          if size == lanes {
            product(range, depth, rows.extracting((group * width)..<((group + lanes) * width)), &products)
          } else {
            product(range, depth, padded.span, &products)
          }
        }
        scatter(products, size, range.count, to: (group, first, outputs), &result)
      }
    }
    return result
  }

  /// (height, 16) → the columns from `first` on of rows `group`… of the result.
  private static func scatter(
    _ products: [Float], _ size: Int, _ height: Int, to place: (group: Int, first: Int, outputs: Int),
    _ result: inout [Float]
  ) {
    var result = result.mutableSpan
    for lane in 0..<size {
      let start = (place.group + lane) * place.outputs + place.first
      for i in 0..<height { result[start + i] = products[i * lanes + lane] }
    }
  }
}
