internal import Synchronization

/// The diagonal blocks of the Gram of 8-bit rows, exact integers as in `ExactGram`: G blocks of m neighbouring
/// features each, D = G·m.
///
/// It is what structured bases need of images whose whole Gram (D² entries) no machine holds: sums over the blocks
/// are covariances along one axis. Any order, split and thread count gives the same bits.
public final class ExactBlockGram: Sendable {
  /// G.
  public let blocks: Int
  /// m.
  public let size: Int
  private let triangles: [Triangle]

  /// m(m+1)/2 sums of one block; its lock is never contended.
  private final class Triangle: Sendable {
    let sums: Mutex<[Double]>

    init(size: Int) { sums = Mutex([Double](repeating: 0, count: size * (size + 1) / 2)) }
  }

  /// Rows that are safe in Float32 whatever they hold: 1024 · 128² = 2²⁴.
  private static let safeRows = 1024

  /// Empty blocks.
  public init(blocks: Int, size: Int) {
    precondition(blocks >= 1 && size >= 1, "blocks and size must be positive")
    (self.blocks, self.size) = (blocks, size)
    triangles = (0..<blocks).map { _ in Triangle(size: size) }
  }

  /// Bytes that the blocks take, with what `threads` threads need to fill them.
  public static func bytes(blocks: Int, size: Int, threads: Int = 1) -> Int {
    blocks * size * (size + 1) / 2 * 8 + threads * 4 * size * (size + safeRows)
  }

  /// Adds rows of D values each, back to back: block g of a row is its features g·m ..< (g + 1)·m.
  ///
  /// - Precondition: `rows.count` is a multiple of D.
  public func add(_ rows: [UInt8], threads: Int = 1) {
    let features = blocks * size
    precondition(rows.count.isMultiple(of: features), "not a whole number of rows")
    let count = rows.count / features
    for first in stride(from: 0, to: count, by: Self.safeRows) {
      let range = first..<min(first + Self.safeRows, count)
      let (size, triangles) = (self.size, self.triangles)
      _ = parallelMap(
        blocks, threads: threads,
        scratch: {
          (
            block: [Float](repeating: 0, count: range.count * size),
            products: [Float](repeating: 0, count: size * size)
          )
        }
      ) { block, scratch in
        Self.gather(rows.span, range, pitch: features, from: block * size, size, &scratch.block)
        Self.product(scratch.block, size, range.count, &scratch.products)
        let products = scratch.products
        triangles[block].sums.withLock { Self.fold(products, size, into: &$0) }
      }
    }
  }

  private static func gather(
    _ rows: Span<UInt8>, _ range: Range<Int>, pitch: Int, from start: Int, _ size: Int,
    _ block: inout [Float]
  ) {
    var target = block.mutableSpan
    for (local, row) in range.enumerated() {
      let source = rows.extracting((row * pitch + start)..<(row * pitch + start + size))
      for i in 0..<size { target[local * size + i] = Float(Int16(source[i]) &- 128) }
    }
  }

  private static func product(_ block: [Float], _ size: Int, _ rows: Int, _ products: inout [Float]) {
    var target = products.mutableSpan
    OpenBLAS.ssyrk(n: size, k: rows, block.span, &target)
  }

  private static func fold(_ products: [Float], _ size: Int, into sums: inout [Double]) {
    var target = sums.mutableSpan
    var write = 0
    for i in 0..<size {
      for j in i..<size {
        target[write] += Double(products[i * size + j])
        write += 1
      }
    }
  }

  /// The sum over all blocks of the standardised covariances (ddof 1) N/(N−1)·Cov_ij/(σ_iσ_j), as the upper
  /// triangle of a row-major (m, m) matrix; added block after block in Float64.
  ///
  /// - Parameters:
  ///   - sums: Σ(x_j − 128) of the same rows, D values in the order of the blocks.
  ///   - count: N ≥ 2.
  ///   - deviation: σ, D values in that order.
  public func covariance(_ sums: [Int64], count: Int, deviation: [Double]) -> [Double] {
    precondition(sums.count == blocks * size && deviation.count == sums.count, "sizes do not fit")
    precondition(count >= 2, "a covariance takes two rows")
    let (n, scale) = (Int128(count), Double(count) * Double(count - 1) * 65025)
    var result = [Double](repeating: 0, count: size * size)
    for (block, triangle) in triangles.enumerated() {
      let first = block * size
      triangle.sums.withLock { entries in
        var read = 0
        for i in 0..<size {
          for j in i..<size {
            let exact =
              n * Int128(Int64(entries[read])) - Int128(sums[first + i]) * Int128(sums[first + j])
            result[i * size + j] +=
              ExactGram.rounded(exact) / scale / (deviation[first + i] * deviation[first + j])
            read += 1
          }
        }
      }
    }
    return result
  }
}

/// The Gram of the channels of each pixel, exact integers: C·C products at every place of the image.
public struct ExactChannelGram: Sendable {
  /// C.
  public let channels: Int
  /// H·W.
  public let pixels: Int
  /// Σ v_a·v_b for a ≤ b, plane after plane.
  private var totals: [Int64]

  /// No images.
  public init(channels: Int, pixels: Int) {
    precondition(channels >= 1 && pixels >= 1, "an image has pixels")
    (self.channels, self.pixels) = (channels, pixels)
    totals = [Int64](repeating: 0, count: channels * (channels + 1) / 2 * pixels)
  }

  /// Adds planar images.
  public mutating func add(_ images: Span<UInt8>) {
    precondition(images.count.isMultiple(of: channels * pixels), "not a whole number of images")
    Self.add(images, channels, pixels, to: &totals)
  }

  private static func add(_ images: Span<UInt8>, _ channels: Int, _ pixels: Int, to totals: inout [Int64]) {
    let features = channels * pixels
    var totals = totals.mutableSpan
    for first in stride(from: 0, to: images.count, by: features) {
      var plane = 0
      for a in 0..<channels {
        for b in a..<channels {
          for p in 0..<pixels {
            let product =
              (Int32(images[first + a * pixels + p]) &- 128) &* (Int32(images[first + b * pixels + p]) &- 128)
            totals[plane + p] &+= Int64(product)
          }
          plane += pixels
        }
      }
    }
  }

  /// The sum over all pixels of the standardised covariances of the channels, as `ExactBlockGram.covariance`.
  public func covariance(_ sums: [Int64], count: Int, deviation: [Double]) -> [Double] {
    precondition(sums.count == channels * pixels && deviation.count == sums.count, "sizes do not fit")
    precondition(count >= 2, "a covariance takes two rows")
    let (n, scale) = (Int128(count), Double(count) * Double(count - 1) * 65025)
    var result = [Double](repeating: 0, count: channels * channels)
    var plane = 0
    for a in 0..<channels {
      for b in a..<channels {
        for p in 0..<pixels {
          let (i, j) = (a * pixels + p, b * pixels + p)
          let exact = n * Int128(totals[plane + p]) - Int128(sums[i]) * Int128(sums[j])
          result[a * channels + b] += ExactGram.rounded(exact) / scale / (deviation[i] * deviation[j])
        }
        plane += pixels
      }
    }
    return result
  }
}
