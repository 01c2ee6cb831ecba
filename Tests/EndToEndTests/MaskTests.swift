import Foundation
import Testing

@Suite struct MaskTests {
  @Test("published mask.npy is NumPy's, of the recipe's seed and ratio at epoch 0")
  func published() throws {
    for (mask, seed, rule, low, high) in [
      ("{ ratio: [0.1, 0.9], seed: 7 }", "7", "closest", "0.1", "0.9"),
      ("{ ratio: 0.2, rule: reference, seed: 12345678901 }", "12345678901", "reference", "0.2", "0.2"),
    ] {
      let folder = try TemporaryFolder()
      var recipe = PruningRecipe()
      recipe.mask = mask
      #expect(try tamis("run", folder.addPruning(recipe), "-q").status == 0)
      let kept = try #require(folder.data("out/__len__").map { String(decoding: $0, as: UTF8.self) })
      try folder.expectOracle(
        "masks_numpy.py", ["published", "%/out", "%/.tamis", "%/in", seed, rule, low, high], kept)
    }
  }

  @Test("tamis masks is NumPy's Philox and argsort bit for bit")
  func arrays() throws {
    let folder = try TemporaryFolder()
    try folder.expectOracle("make_arrays.py", ["pca", folder.path])
    #expect(
      try tamis("pca", "--pixels", folder.path + "/images.npy", "-o", folder.path + "/pca", "-q").status == 0)
    try folder.write("keys.txt", (0..<150).map { "key-\($0 * $0)\u{e9}\n" }.joined())
    let all: [(ratio: String, rule: String, seed: String, epoch: String, keys: Bool)] = [
      ("0.2", "closest", "0", "0", false), ("0.2", "reference", "7", "3", true),
      ("0.02", "reference", "1", "0", false), ("0.1:0.9", "closest", "7", "0", true),
      ("0.1:0.9", "reference", "0", "1", true), ("0.5:0.5", "closest", "3", "100000000000", false),
      ("0.999", "closest", "18446744073709551615", "18446744073709551615", true),
    ]
    for (ratio, rule, seed, epoch, keys) in all {
      let range = ratio.split(separator: ":").map(String.init)
      var arguments = ["masks", "--pca", folder.path + "/pca", "-o", folder.path + "/m.npy"]
      arguments += [range.count == 2 ? "--ratio-range" : "--ratio", ratio, "--rule", rule]
      arguments += ["--seed", seed, "--epoch", epoch]
      arguments += keys ? ["--keys", folder.path + "/keys.txt"] : ["--count", "200"]
      let result = try run(Repository.tamis, arguments)
      #expect(result.status == 0, "\(ratio): \(result.errors)")
      try folder.expectOracle(
        "masks_numpy.py",
        ["array", "%/pca", "%/m.npy", seed, epoch, rule, range.first!, range.last!]
          + (keys ? ["%/keys.txt"] : []), keys ? "150" : "200")
    }
  }

  @Test("the contract's test vector: seed 7, key 000010005, epoch 3")
  func vector() throws {
    let folder = try TemporaryFolder()
    try folder.write("keys.txt", "000010005\n")
    // With equal ratios and 1 of 3 components masked, the mask is the place of the least of the next three words.
    let script = "import numpy,sys;numpy.save(sys.argv[1], numpy.full(3, 1/3, '<f4'))"
    #expect(
      try run(Repository.python, ["-c", script, folder.path + "/eigenvalues_ratio.npy"]).status == 0)
    let result = try tamis(
      "masks", "--pca", folder.path, "--keys", folder.path + "/keys.txt", "--ratio-range", "0.2:0.4",
      "--seed",
      "7", "--epoch", "3", "-o", folder.path + "/m.npy")
    #expect(result.status == 0, "\(result.errors)")
    // 0x2260afa1caa54fd3 is the least of the second to fourth word of the block.
    #expect(folder.data("m.npy")?.last == 0b100)
    let words = [UInt8](try #require(folder.data("m.ratio.npy")?.suffix(8)))
    let drawn = Float(0.2 + (0.4 - 0.2) * Double(0x964f_c791_6088_e8e0 >> 11 as UInt64) * 0x1p-53)
    let bits = words.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    #expect(bits == drawn.bitPattern)
  }
}
