import Algebra
import Features
import Testing

private func hex(_ bytes: [UInt8]) -> String {
  bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}

@Suite("Component masks")
struct ComponentMaskerTests {
  @Test("Masks, drawn and realised shares equal NumPy's, both rules, fixed and range, every spectrum")
  func equalNumPy() throws {
    let golden = try Golden.load("masks.json", as: Golden.Masks.self)
    #expect(golden.spectra.count == 7)
    for spectrum in golden.spectra {
      for expected in spectrum.draws {
        let fixed = expected.low == expected.high
        var masker = try ComponentMasker(
          ratios: spectrum.ratios,
          share: fixed ? .fixed(expected.low) : .uniform(expected.low, expected.high),
          rule: #require(ComponentMasker.Rule(rawValue: expected.rule)), seed: expected.seed,
          epoch: expected.epoch)
        let (bits, draw) = masker.mask(keyHash: expected.keyHash)
        let label = "\(spectrum.name) \(expected.rule) \(expected.low)…\(expected.high) \(expected.key)"
        #expect(hex(bits) == expected.bits, "\(label)")
        #expect(draw.drawn == expected.drawn && draw.realised == expected.realised, "\(label)")
      }
    }
  }

  @Test("A masker gives the same mask whatever it drew before")
  func independentOfHistory() throws {
    let ratios = (1...300).map { 1 / Float($0 * $0) / 1.65 }
    var fresh = try ComponentMasker(ratios: ratios, share: .uniform(0.1, 0.9), seed: 3)
    var used = fresh
    for hash in 0..<50 as Range<UInt64> { _ = used.mask(keyHash: hash) }
    let (a, b) = (fresh.mask(keyHash: 99), used.mask(keyHash: 99))
    #expect(a.bits == b.bits && a.draw == b.draw)
  }

  @Test("The mask equals the rule worked out in full, for lengths around powers of two")
  func equalsDefinition() throws {
    for count in [1, 2, 3, 7, 8, 9, 255, 256, 257, 1023, 1024, 1025, 3072] {
      let ratios = (0..<count).map { $0 % 5 == 4 ? 0 : 1 / Float(count + $0) }
      for hash in 0..<8 as Range<UInt64> {
        var generator = Philox(seed: 11, keyHash: hash, epoch: 2)
        let target = 0.1 + (0.6 - 0.1) * (Double(generator.next() >> 11) * 0x1p-53)
        let values = (0..<count).map { _ in generator.next() }
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        var (sum, best, masked, realised) = (0.0, Double.infinity, 0, 0.0)
        for (i, component) in order.enumerated() {
          sum += Double(ratios[component])
          if abs(sum - target) < best { (best, masked, realised) = (abs(sum - target), i + 1, sum) }
        }
        var bits = [UInt8](repeating: 0, count: (count + 7) / 8)
        for component in order[..<masked] { bits[component / 8] |= 1 << (component % 8) }
        var masker = try ComponentMasker(ratios: ratios, share: .uniform(0.1, 0.6), seed: 11, epoch: 2)
        let result = masker.mask(keyHash: hash)
        #expect(result.bits == bits)
        #expect(result.draw.drawn == Float(target) && result.draw.realised == Float(realised))
      }
    }
  }

  @Test("At least one component is masked, and padding bits are 0")
  func neverEmpty() throws {
    for rule in ComponentMasker.Rule.allCases {
      var masker = try ComponentMasker(
        ratios: [0.9, 0.05, 0.05], share: .fixed(1e-9), rule: rule, seed: 0)
      for hash in 0..<200 as Range<UInt64> {
        let bits = masker.mask(keyHash: hash).bits
        #expect(bits.count == 1 && bits[0] != 0 && bits[0] < 8)
      }
    }
  }

  @Test("A share outside (0, 1), a negative ratio and an empty basis are refused")
  func refusals() {
    func failure(_ ratios: [Float], _ share: ComponentMasker.Share) -> ComponentMasker.Failure? {
      do throws(ComponentMasker.Failure) {
        _ = try ComponentMasker(ratios: ratios, share: share, seed: 0)
        return nil
      } catch {
        return error
      }
    }
    for share in [0, 1, -0.5, 1.5, Double.nan] { #expect(failure([1], .fixed(share)) == .badShare) }
    #expect(failure([1], .uniform(0.9, 0.1)) == .badShare)
    #expect(failure([1], .uniform(0, 0.5)) == .badShare)
    #expect(failure([1], .uniform(0.5, .nan)) == .badShare)
    #expect(failure([], .fixed(0.5)) == .noComponents)
    #expect(failure([0.5, -0.1], .fixed(0.5)) == .badRatio(component: 1))
    #expect(failure([.nan], .fixed(0.5)) == .badRatio(component: 0))
    #expect(failure([1], .uniform(0.3, 0.3)) == nil)
  }
}
