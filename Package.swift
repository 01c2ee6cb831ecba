// swift-tools-version: 6.2
import PackageDescription

// TAMIS_FUZZ=1 adds the fuzz targets and makes our own code report its coverage to libFuzzer; set by scripts/fuzz.
let fuzzing = Context.environment["TAMIS_FUZZ"] == "1"

// TAMIS_LIGHT=1 leaves the daemon and the command line out: sanitizer and fuzz builds then need neither
// ArgumentParser nor the server packages.
let light = Context.environment["TAMIS_LIGHT"] == "1" || fuzzing

// CI sets this; users with a newer compiler are not stopped by its new warnings.
let warningsAreErrors = Context.environment["TAMIS_WARNINGS_AS_ERRORS"] == "1"

let settings: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .strictMemorySafety(),
  ] + (warningsAreErrors ? [.treatAllWarnings(as: .error)] : [])

let coverage: [SwiftSetting] = fuzzing ? [.unsafeFlags(["-sanitize=fuzzer"])] : []
let cCoverage: [CSetting] =
  fuzzing ? [.unsafeFlags(["-fsanitize=fuzzer-no-link,undefined", "-fno-sanitize-recover=undefined"])] : []

/// A system library: module map and shim header only.
func system(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A Swift target with the common settings.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings + coverage)
}

/// A test target; it may use the Python oracles through `TestSupport`.
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], exclude: exclude, swiftSettings: settings)
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let database = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
/// Hummingbird, and the parts of SwiftNIO under it that its own interface shows.
let web: [Target.Dependency] = [
  .product(name: "Hummingbird", package: "hummingbird"),
  .product(name: "HummingbirdCore", package: "hummingbird"),
  .product(name: "HTTPTypes", package: "swift-http-types"),
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
]
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

// Arrows point one way, downwards in this list read from the bottom (see ARCHITECTURE.md).
var targets: [Target] = [
  system("CJPEG", pkgConfig: "libjpeg", apt: "libjpeg-dev"),
  system("CPNG", pkgConfig: "libpng", apt: "libpng-dev"),
  system("CWebP", pkgConfig: "libwebpdemux", apt: "libwebp-dev"),
  system("CGIF", apt: "libgif-dev"),
  system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
  system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
  system("CBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
  .systemLibrary(name: "CLinux"),
  .target(name: "CCodecs", dependencies: ["CJPEG", "CPNG", "CZlib"], cSettings: cCoverage),

  .target(name: "COnnxRuntime"),

  library("Shards", ["CZstd", "CZlib", "CLinux", crypto]),
  library("Decode", ["CCodecs", "CWebP", "CGIF"]),
  library("Algebra", ["CBLAS"]),
  library("Features", ["Decode", "Algebra", "COnnxRuntime"]),
  library("Prune", ["Algebra"]),
  library("Pipeline", ["Shards", "Decode", "Features", "Prune", "Algebra", yams, crypto]),

  .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
  // What scripts/robustness compares with Pillow; no product of the package.
  .executableTarget(
    name: "decode-dump", dependencies: ["Decode"], path: "Tests/DecodeDump", swiftSettings: settings),
  tests("ShardsTests", ["Shards"], exclude: ["Goldens", "oracle"]),
  tests("DecodeTests", ["Decode"], exclude: ["Goldens", "oracle"]),
  tests("AlgebraTests", ["Algebra"]),
  tests("FeaturesTests", ["Features", "Decode", "Algebra"], exclude: ["Goldens", "oracle"]),
  tests("PruneTests", ["Prune", "Algebra"], exclude: ["oracle"]),
  tests("PipelineTests", ["Pipeline", "Shards", "Prune", "Algebra"]),
]
// Libraries are products for the package in Benchmarks/ alone.
var products: [Product] = ["Algebra", "Decode", "Features"].map { .library(name: $0, targets: [$0]) }
var dependencies: [Package.Dependency] = [
  .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
]

if !light {
  products.append(.executable(name: "tamis", targets: ["tamis"]))
  dependencies += [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.34.1"),
  ]
  targets += [
    library("Daemon", ["Pipeline", "Prune", "Shards", "CLinux", database, logging] + web),
    .executableTarget(
      name: "tamis",
      dependencies: [
        "Daemon", "Pipeline", "Shards", "Decode", "Algebra", "Features", "Prune", arguments, logging,
      ],
      swiftSettings: settings),
    // What DaemonTests sends signals to; no product of the package.
    .executableTarget(
      name: "daemon-probe", dependencies: ["Daemon", "Pipeline"], path: "Tests/DaemonProbe",
      swiftSettings: settings),
    tests("DaemonTests", ["Daemon", "Pipeline", "Prune", "Shards"]),
    tests("EndToEndTests", ["tamis"], exclude: ["oracle"]),
  ]
}

if fuzzing {
  targets += [
    .target(name: "CFuzzer", path: "Fuzz/CFuzzer"),
    .executableTarget(
      name: "tamis-fuzz", dependencies: ["CFuzzer", "CZlib", "CZstd", "Shards", "Decode", "Pipeline"],
      path: "Fuzz/Sources", swiftSettings: settings, linkerSettings: [.linkedLibrary("stdc++")]),
  ]
}

let package = Package(
  name: "tamis", products: products, dependencies: dependencies, targets: targets,
  swiftLanguageModes: [.v6])
