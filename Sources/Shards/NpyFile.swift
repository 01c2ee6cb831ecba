/// Writes whole small arrays as `.npy`, synced.
public enum NpyFile {
  /// Little-endian bytes of numbers, as they lie in memory here.
  public static func bytes<Value: BitwiseCopyable>(of values: [Value]) -> [UInt8] {
    unsafe values.withUnsafeBytes { unsafe Array($0) }
  }

  /// Writes `values` with the given shape.
  ///
  /// - Precondition: the shape's product is `values.count`.
  public static func write<Value: NpyValue>(_ values: [Value], shape: [Int]? = nil, to path: String)
    throws(FileError)
  {
    let shape = shape ?? [values.count]
    precondition(shape.reduce(1, *) == values.count, "the shape does not fit the values")
    var writer = try NpyWriter(path: path, type: Value.npyType, rowShape: Array(shape.dropFirst()))
    try writer.append(bytes(of: values))
    try writer.finish()
  }
}

extension Float16: NpyValue {
  public static var npyType: NpyType { .float16 }
  public static func decode(_ bytes: [UInt8]) -> [Float16] {
    UInt16.copied(bytes).map { Float16(bitPattern: $0) }
  }
}
