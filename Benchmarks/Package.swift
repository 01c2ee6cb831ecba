// swift-tools-version: 6.2
// Measurements of Tamis beside its peers. A package of its own, so that users never build it.
import PackageDescription

let package = Package(
  name: "tamis-benchmarks",
  dependencies: [.package(name: "tamis", path: "..")],
  targets: [
    .executableTarget(
      name: "DecodeWorker", dependencies: [.product(name: "Decode", package: "tamis")],
      swiftSettings: [.strictMemorySafety()]),
    .executableTarget(
      name: "KMeansWorker", dependencies: [.product(name: "Algebra", package: "tamis")],
      swiftSettings: [.strictMemorySafety()]),
    .executableTarget(
      name: "PCAWorker",
      dependencies: [
        .product(name: "Algebra", package: "tamis"), .product(name: "Features", package: "tamis"),
      ],
      swiftSettings: [.strictMemorySafety()]),
  ],
  swiftLanguageModes: [.v6])
