// One process of `make bench-pca`: holds images in memory, then for each line of standard input
//
//     gram THREADS        adds all images to an exact Gram
//     masks COUNT         draws COUNT masks of L = D components (rule 5, ratio 0.1 to 0.9; keys hashed already), on one thread
//     project ROWS        coefficients of the first ROWS images, standardised, on one thread
//
// and answers "wall-ns". Usage: PCAWorker X.npy PCA, the images as the bench writes them: |u1 (n, D), C order.
import Algebra
import Features
import Foundation
import Glibc

/// The values behind a `.npy` header of version 1, as the bench writes them.
func values<Value: BitwiseCopyable>(_ path: String, of _: Value.Type) throws -> [Value] {
  let data = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
  let start = 10 + Int(data[8]) + Int(data[9]) << 8
  let count = (data.count - start) / MemoryLayout<Value>.stride
  return unsafe [Value](unsafeUninitializedCapacity: count) { target, filled in
    unsafe data.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: .init(rebasing: $0[start...]))
    }
    filled = count
  }
}

func answer(_ text: String) throws {
  try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
}

let (path, pca) = (CommandLine.arguments[1], CommandLine.arguments[2])
let images = try values(path, of: UInt8.self)
let mean = try values(pca + "/mean_reshaped.npy", of: Float.self)
let ratios = try values(pca + "/eigenvalues_ratio.npy", of: Float.self)
let features = mean.count
let basis = ComponentBasis(
  kind: .full, shape: nil, count: images.count / features, standardization: .feature, mean: mean,
  deviation: try values(pca + "/std_reshaped.npy", of: Float.self), floored: [],
  eigenvalues: try values(pca + "/eigenvalues.npy", of: Double.self), ratios: ratios, totalVariance: 1,
  transform: .dense(
    DenseTransform(components: try values(pca + "/pc_matrix.npy", of: Float.self), features: features)))
OpenBLAS.setThreads(1)
try answer("ready")
while let line = readLine() {
  let words = line.split(separator: " ").map(String.init)
  let number = Int(words[1])!
  let start = ContinuousClock.now
  var used: UInt64 = 0
  switch words[0] {
  case "gram":
    var gram = ExactGram(features: features, threads: number)
    gram.add(images.span)
    used = UInt64(bitPattern: gram.shiftedSums()[0])
  case "masks":
    var masker = try ComponentMasker(ratios: ratios, share: .uniform(0.1, 0.9), seed: 7)
    var bits = [UInt8](repeating: 0, count: masker.byteCount)
    for i in 0..<number {
      var span = bits.mutableSpan
      _ = masker.draw(keyHash: UInt64(i), into: &span)
      used &+= UInt64(bits[0])
    }
  default:
    let rows = basis.standardized(images.span.extracting(0..<(number * features)))
    // Standardising is not what is compared: sgemm is given floats.
    let start = ContinuousClock.now
    used = UInt64(basis.coefficients(of: rows.span)[0].bitPattern)
    let elapsed = (ContinuousClock.now - start).components
    try answer("\(elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000) \(used)")
    continue
  }
  let elapsed = (ContinuousClock.now - start).components
  try answer("\(elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000) \(used)")
}
