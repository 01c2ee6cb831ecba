/// The NumPy types of the contract's files; all little-endian.
public indirect enum NpyType: Sendable, Equatable {
  case bool, uint8, int32, int64, uint16, uint32, uint64, float16, float32, float64
  /// Text of so many code points, padded with zeros: `<U9`.
  case unicode(Int)
  /// So many bytes, padded with zeros: `|S9`.
  case byteString(Int)
  /// A packed structured type; order is the file's order.
  case record([NpyField])

  /// The `descr` text of a plain type: `<f4`.
  public var code: String {
    switch self {
    case .bool: "|b1"
    case .uint8: "|u1"
    case .int32: "<i4"
    case .int64: "<i8"
    case .uint16: "<u2"
    case .uint32: "<u4"
    case .uint64: "<u8"
    case .float16: "<f2"
    case .float32: "<f4"
    case .float64: "<f8"
    case .unicode(let length): "<U\(length)"
    case .byteString(let length): "|S\(length)"
    case .record: ""
    }
  }

  /// The plain type that a `descr` names as it is written here; nil for others.
  public init?(code: String) {
    let plain: [NpyType] = [
      .bool, .uint8, .int32, .int64, .uint16, .uint32, .uint64, .float16, .float32, .float64,
    ]
    guard let type = plain.first(where: { $0.code == code }) else { return nil }
    self = type
  }

  /// Bytes of one item.
  public var bytes: Int {
    switch self {
    case .bool, .uint8: 1
    case .uint16, .float16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    case .unicode(let length): 4 * length
    case .byteString(let length): length
    case .record(let fields): fields.reduce(0) { $0 + $1.type.bytes }
    }
  }

  /// What stands after `'descr': ` in a header.
  var description: String {
    guard case .record(let fields) = self else { return "'\(code)'" }
    return "[" + fields.map { "('\($0.name)', '\($0.type.code)')" }.joined(separator: ", ") + "]"
  }
}

/// One named part of a structured type.
public struct NpyField: Sendable, Equatable {
  public var name: String
  public var type: NpyType

  public init(_ name: String, _ type: NpyType) {
    self.name = name
    self.type = type
  }
}

/// The header of a `.npy` file: type, shape and order.
public struct NpyHeader: Sendable, Equatable {
  public var type: NpyType
  public var shape: [Int]
  /// True for column-major data.
  public var fortranOrder = false
  /// True for big-endian data; never written.
  public var bigEndian = false

  public init(type: NpyType, shape: [Int]) {
    self.type = type
    self.shape = shape
  }

  /// Items in the array.
  public var count: Int { shape.reduce(1, *) }

  /// The header's bytes as `numpy.save` writes them: version 1.0, room for the first axis to grow to 21 digits,
  /// padded to a multiple of 64. The length does not depend on the first axis.
  public func bytes() -> [UInt8] {
    let axes =
      shape.count == 1 ? "(\(shape[0]),)" : "(" + shape.map(String.init).joined(separator: ", ") + ")"
    let order = fortranOrder ? "True" : "False"
    var text = "{'descr': \(type.description), 'fortran_order': \(order), 'shape': \(axes), }"
    if let first = shape.first { text += String(repeating: " ", count: max(0, 21 - String(first).count)) }
    let prefix = 10
    let total = (prefix + text.utf8.count + 1 + 63) / 64 * 64
    text += String(repeating: " ", count: total - prefix - text.utf8.count - 1) + "\n"
    let length = UInt16(text.utf8.count)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
  }
}
