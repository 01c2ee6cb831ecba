/// Outputs of a model: which one holds the rows, and rows made of tokens.
enum ModelOutput {
  /// The values of a model, for messages.
  static func list(_ values: [OnnxValue]) -> String {
    values.isEmpty ? "none" : values.map(\.description).joined(separator: "; ")
  }

  /// The mean of some rows of (rows, width), (width,): Float64 sums in row order, rounded once.
  static func mean(_ values: ArraySlice<Float>, _ rows: Range<Int>, width: Int) -> [Float] {
    (0..<width).map { column in
      var sum = 0.0
      for row in rows { sum += Double(values[row * width + column]) }
      return Float(sum / Double(rows.count))
    }
  }

  /// The output of that name.
  static func named(_ name: String, among outputs: [OnnxValue]) throws(EncoderError) -> Int {
    if let index = outputs.firstIndex(where: { $0.name == name }) { return index }
    throw EncoderError("no output is called \(name); there are \(list(outputs))")
  }

  /// The first output of these names, best first, else the first of floats with one of these numbers of dimensions,
  /// best first.
  static func usual(_ names: [String], ranks: [Int], among outputs: [OnnxValue]) throws(EncoderError) -> Int {
    for name in names {
      if let index = outputs.firstIndex(where: { $0.name == name }) { return index }
    }
    for rank in ranks {
      let index = outputs.firstIndex {
        [.float32, .float16].contains($0.type) && $0.dimensions.count == rank
      }
      if let index { return index }
    }
    throw EncoderError("no output holds rows of float32 or float16; there are \(list(outputs))")
  }
}
