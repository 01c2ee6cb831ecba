import Algebra
import TestSupport
import Testing

@Suite("Exact moments and blocks of the Gram")
struct ExactBlockGramTests {
  private static func images(_ rows: Int, features: Int) -> [UInt8] {
    var random = SplitMix(seed: 23)
    return (0..<(rows * features)).map { _ in UInt8(truncatingIfNeeded: random.next() >> 50) }
  }

  @Test("Moments are those of the whole Gram, bit for bit")
  func moments() throws {
    let (n, d) = (301, 24)
    let rows = Self.images(n, features: d)
    var gram = ExactGram(features: d)
    gram.add(rows.span)
    let covariance = try gram.covariance()
    var moments = ExactMoments(features: d)
    moments.add(Array(rows[..<(100 * d)]).span)
    moments.add(Array(rows[(100 * d)...]).span)
    let (mean, deviation) = try moments.result()
    #expect(mean == covariance.mean && deviation == covariance.deviation && moments.count == n)
    #expect(throws: PCAError.tooFewRows(0)) {
      var none = ExactMoments(features: 2)
      _ = try none.result()
    }
  }

  @Test("Blocks sum to the diagonal blocks of the whole covariance, the same bits for any split and threads")
  func blocks() throws {
    // 1100 rows of 0 and 255 fill more than one exact block.
    let (n, blocks, size) = (1100, 4, 6)
    let d = blocks * size
    let rows = Self.images(n, features: d).map { $0 < 90 ? 0 : $0 > 200 ? 255 : $0 }
    var gram = ExactGram(features: d)
    gram.add(rows.span)
    let whole = try gram.covariance()
    let sigma = whole.deviation
    var moments = ExactMoments(features: d)
    moments.add(rows.span)
    let sums = moments.shiftedSums()
    let once = ExactBlockGram(blocks: blocks, size: size)
    once.add(rows)
    let ours = once.covariance(sums, count: n, deviation: sigma)
    for i in 0..<size {
      for j in i..<size {
        let expected = (0..<blocks).reduce(0.0) { sum, g in
          let (a, b) = (g * size + i, g * size + j)
          return sum + whole.upper[a * d + b] / (sigma[a] * sigma[b])
        }
        #expect(abs(ours[i * size + j] - expected) < 1e-12)
      }
    }
    let split = ExactBlockGram(blocks: blocks, size: size)
    split.add(Array(rows[(700 * d)...]), threads: 3)
    split.add(Array(rows[..<(700 * d)]), threads: 2)
    #expect(split.covariance(sums, count: n, deviation: sigma) == ours)
  }

  @Test("Channel products sum over the pixels")
  func channels() throws {
    let (n, pixels) = (50, 10)
    let rows = Self.images(n, features: 3 * pixels)
    var gram = ExactGram(features: 3 * pixels)
    gram.add(rows.span)
    let whole = try gram.covariance()
    var moments = ExactMoments(features: 3 * pixels)
    moments.add(rows.span)
    var channels = ExactChannelGram(channels: 3, pixels: pixels)
    channels.add(rows.span)
    let ours = channels.covariance(moments.shiftedSums(), count: n, deviation: whole.deviation)
    for a in 0..<3 {
      for b in a..<3 {
        let expected = (0..<pixels).reduce(0.0) { sum, p in
          let (i, j) = (a * pixels + p, b * pixels + p)
          return sum + whole.upper[i * 3 * pixels + j] / (whole.deviation[i] * whole.deviation[j])
        }
        #expect(abs(ours[a * 3 + b] - expected) < 1e-12)
      }
    }
  }
}
