// One process of `make bench-prune`: spherical k-means in memory. Usage:
//
//     KMeansWorker X.npy DIMENSION CLUSTERS ITERATIONS THREADS SEED CENTROIDS
//
// X is <f4 (n, DIMENSION), C order, as the bench writes it. The centroids are written as plain <f4 values. Answers
// "wall-ns rounds": the time of the fit alone, and the rounds after which nothing moved.
import Algebra
import Foundation

let words = CommandLine.arguments
let numbers = words[2...6].map { Int($0)! }
let (dimension, threads) = (numbers[0], numbers[3])
let data = try Data(contentsOf: URL(filePath: words[1]), options: .alwaysMapped)
let start = 10 + Int(data[8]) + Int(data[9]) << 8
let count = (data.count - start) / MemoryLayout<Float>.stride
let values = unsafe [Float](unsafeUninitializedCapacity: count) { target, filled in
  unsafe data.withUnsafeBytes {
    unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: .init(rebasing: $0[start...]))
  }
  filled = count
}
let matrix = EmbeddingMatrix(values, dimension: dimension)
var settings = KMeans.Settings(clusters: numbers[1])
settings.iterations = numbers[2]
settings.threads = threads
settings.seed = UInt64(numbers[4])
let rows = (0..<Int32(matrix.rows)).map { $0 }
let began = ContinuousClock.now
let fit = try KMeans.fit(rows, of: matrix, keyHashes: rows.map { UInt64($0) }, settings)
let elapsed = (ContinuousClock.now - began).components
let centroids = (0..<fit.centroids.rows).flatMap { fit.centroids.row($0) }
try unsafe centroids.withUnsafeBytes { unsafe Data($0) }.write(to: URL(filePath: words[7]))
print("\(elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000) \(fit.iterations)")
