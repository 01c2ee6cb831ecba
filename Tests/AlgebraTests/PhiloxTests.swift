import Algebra
import Testing

@Test("Philox equals the contract's test vector (seed 7, key 000010005, epoch 3)")
func philoxTestVector() {
  // First 8 bytes of SHA-256("000010005"), little-endian, from Python's hashlib.
  var generator = Philox(seed: 7, keyHash: 0x419c150b010730f, epoch: 3)
  let expected: [UInt64] = [
    0x964f_c791_6088_e8e0, 0xe07e_4cf9_ba33_c895, 0x7fcf_95cb_8b21_89cf, 0x2260_afa1_caa5_4fd3,
  ]
  #expect((0..<4).map { _ in generator.next() } == expected)
}

@Test("Philox fills an array with the values that next() gives, from any state")
func philoxFill() {
  for skipped in 0..<5 {
    for count in [0, 1, 3, 4, 5, 11] {
      var one = Philox(seed: 1, keyHash: 2, epoch: 3)
      for _ in 0..<skipped { _ = one.next() }
      var other = one
      var values = [UInt64](repeating: 0, count: count)
      var span = values.mutableSpan
      one.fill(&span)
      #expect(values == (0..<count).map { _ in other.next() })
      #expect(one.next() == other.next())
    }
  }
}
