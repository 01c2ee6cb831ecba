import Foundation

/// A file of `Goldens/`, made by `oracle/make_goldens.py`.
enum Golden {
  static func load<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens")
    return try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
  }

  struct Masks: Decodable {
    var spectra: [Spectrum]

    struct Spectrum: Decodable {
      var name: String
      var ratioBits: [UInt32]
      var draws: [Draw]

      var ratios: [Float] { ratioBits.map { Float(bitPattern: $0) } }
    }

    struct Draw: Decodable {
      var seed, keyHash, epoch: UInt64
      var key, rule, bits: String
      var low, high: Double
      var drawn, realised: Float
    }
  }

  struct Components: Decodable {
    var features: Int
    var images: Data
    var cases: [Case]

    struct Case: Decodable {
      var standardize: String
      var rows: Int
      var eigenvalues, ratios, mean, deviation: [Double]
      var leading: [[Double]]
    }
  }
}
