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
