import CFuzzer
import Glibc

/// One thing to fuzz.
struct FuzzTarget: Sendable {
  /// Feeds an input to the code under test; traps where an invariant does not hold.
  let run: @Sendable ([UInt8]) -> Void
  /// Mends checksums and lengths after libFuzzer changed an input, so that it passes the first checks.
  var mend: @Sendable ([UInt8], inout Draws) -> [UInt8] = { bytes, _ in bytes }
  /// What is inside a compressed input and how to wrap it again, so that the inside can be changed.
  var unwrap: @Sendable ([UInt8]) -> Wrapped? = { _ in nil }

  static let all: [String: FuzzTarget] = [
    "tar": FuzzTarget(run: fuzzShard, mend: mendTar, unwrap: unwrapShard),
    "grouping": FuzzTarget(run: fuzzGrouping),
    "jpeg": FuzzTarget(run: fuzzImage),
    "png": FuzzTarget(run: fuzzImage, mend: mendPNG),
    "webp": FuzzTarget(run: fuzzImage, mend: mendRIFF),
    "gif": FuzzTarget(run: fuzzImage),
    "npy": FuzzTarget(run: fuzzNpy, mend: mendNpy),
    "npz": FuzzTarget(run: fuzzNpz),
    "recipe": FuzzTarget(run: fuzzRecipe),
  ]

  /// The target of this process, named by TAMIS_FUZZ_TARGET: libFuzzer starts itself again with its own arguments
  /// only, so no argument could name it.
  static let current: FuzzTarget = {
    let name = unsafe getenv("TAMIS_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    if let target = all[name] { return target }
    let names = all.keys.sorted().joined(separator: ", ")
    print("tamis-fuzz: TAMIS_FUZZ_TARGET is '\(name)'; the targets are \(names)")
    exit(2)
  }()
}

/// Stops the process, which libFuzzer reports as a finding, unless `condition` holds.
func require(_ condition: Bool, _ what: @autoclosure () -> String) {
  if !condition { fatalError("invariant broken: \(what())") }
}

/// SplitMix64: the draws of one mutation.
struct Draws {
  private var state: UInt64

  init(seed: UInt32) { state = UInt64(seed) }

  /// A number below `bound`.
  mutating func next(below bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ z >> 31) % UInt64(bound))
  }
}
