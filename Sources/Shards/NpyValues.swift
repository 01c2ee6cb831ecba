/// A Swift type that one NumPy type is read into without conversion.
public protocol NpyValue: BitwiseCopyable, Sendable {
  static var npyType: NpyType { get }
  /// The values in little-endian bytes.
  static func decode(_ bytes: [UInt8]) -> [Self]
}

extension UInt8: NpyValue {
  public static var npyType: NpyType { .uint8 }
  public static func decode(_ bytes: [UInt8]) -> [UInt8] { bytes }
}

extension Bool: NpyValue {
  public static var npyType: NpyType { .bool }
  public static func decode(_ bytes: [UInt8]) -> [Bool] { bytes.map { $0 != 0 } }
}

extension Int32: NpyValue {
  public static var npyType: NpyType { .int32 }
  public static func decode(_ bytes: [UInt8]) -> [Int32] { copied(bytes) }
}

extension UInt32: NpyValue {
  public static var npyType: NpyType { .uint32 }
  public static func decode(_ bytes: [UInt8]) -> [UInt32] { copied(bytes) }
}

extension Int64: NpyValue {
  public static var npyType: NpyType { .int64 }
  public static func decode(_ bytes: [UInt8]) -> [Int64] { copied(bytes) }
}

extension UInt64: NpyValue {
  public static var npyType: NpyType { .uint64 }
  public static func decode(_ bytes: [UInt8]) -> [UInt64] { copied(bytes) }
}

extension Float: NpyValue {
  public static var npyType: NpyType { .float32 }
  public static func decode(_ bytes: [UInt8]) -> [Float] { copied(bytes) }
}

extension Double: NpyValue {
  public static var npyType: NpyType { .float64 }
  public static func decode(_ bytes: [UInt8]) -> [Double] { copied(bytes) }
}

extension UInt16 {
  /// The values in little-endian bytes, for half precision.
  static func copied(_ bytes: [UInt8]) -> [UInt16] { Shards.copied(bytes) }
}

/// Reinterprets bytes; valid on little-endian machines only, and Tamis runs on no other.
private func copied<Value: BitwiseCopyable>(_ bytes: [UInt8]) -> [Value] {
  let count = bytes.count / MemoryLayout<Value>.stride
  // The standard library would write the count into the empty array that all threads share (ThreadSanitizer).
  if count == 0 { return [] }
  return unsafe [Value](unsafeUninitializedCapacity: count) { target, filled in
    unsafe bytes.withUnsafeBytes {
      unsafe UnsafeMutableRawBufferPointer(target).copyMemory(
        from: .init(rebasing: $0.prefix(target.count * MemoryLayout<Value>.stride)))
    }
    filled = count
  }
}

extension NpyReader {
  /// Some rows of an array of exactly this type, row after row.
  public func rows<Value: NpyValue>(_ range: Range<Int>, as _: Value.Type) throws(NpyError) -> [Value] {
    guard type == Value.npyType else { throw wrongType(wanted: "'\(Value.npyType.code)'") }
    return Value.decode(try rows(range))
  }

  /// Some rows of a `<f2`, `<f4`, `<f8` or `|u1` array as Float32: `<f8` is rounded, `|u1` becomes 0 to 255.
  public func floats(_ range: Range<Int>) throws(NpyError) -> [Float] {
    switch type {
    case .uint8: try rows(range).map(Float.init)
    case .float16: widened(copied(try rows(range)))
    case .float32: try rows(range, as: Float.self)
    case .float64: try rows(range, as: Double.self).map(Float.init)
    default: throw wrongType(wanted: "'<f2', '<f4', '<f8' or '|u1'")
    }
  }

  /// A whole vector of exactly this type.
  public func vector<Value: NpyValue>(of _: Value.Type) throws(NpyError) -> [Value] {
    try checkVector()
    return try rows(0..<rowCount, as: Value.self)
  }

  /// A whole vector of `<f2`, `<f4` or `<f8`; nothing is rounded.
  public func doubles() throws(NpyError) -> [Double] {
    try checkVector()
    switch type {
    case .float16, .float32: return try floats(0..<rowCount).map(Double.init)
    case .float64: return try rows(0..<rowCount, as: Double.self)
    default: throw wrongType(wanted: "'<f2', '<f4' or '<f8'")
    }
  }

  private func checkVector() throws(NpyError) {
    guard shape.count == 1 else { throw NpyError(path: path, "\(shape.count) axes, one is wanted") }
  }

  private func wrongType(wanted: String) -> NpyError {
    NpyError(path: path, "the dtype is \(type.description), \(wanted) is wanted")
  }
}

/// Half precision to Float32, exactly; written with integer operations so that it is vectorised on any CPU.
private func widened(_ halves: [UInt16]) -> [Float] {
  let exponentShift = Float(bitPattern: 0x7780_0000)  // 2^112
  return halves.map { half in
    let magnitude = UInt32(half & 0x7fff) << 13
    let finite = (Float(bitPattern: magnitude) * exponentShift).bitPattern
    let bits = magnitude >= 0x0f80_0000 ? magnitude | 0x7f80_0000 : finite
    return Float(bitPattern: bits | UInt32(half & 0x8000) << 16)
  }
}
