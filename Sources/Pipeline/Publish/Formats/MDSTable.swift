import Decode
import Shards

/// How the fields of published samples become the columns of MDS.
///
/// | field | column | encoding |
/// |---|---|---|
/// | (key) | `key` | `str` |
/// | `jpg`, `jpeg`; `png` | the same | `jpeg`; `png`: the stored bytes, which Pillow opens |
/// | `txt` | `txt` | `str`; what is not UTF-8 is repaired |
/// | `json` | `json` | `json` |
/// | `cls` | `cls` | `int` |
/// | added arrays: `mask.npy` | `mask` | `ndarray:uint8:384` |
/// | `image.npy` of `image: raw` | `image` | `ndarray:uint8`, each with its shape |
/// | others | the same | `bytes` |
struct MDSTable: Sendable {
  /// The column of the samples' keys.
  static let keyColumn = "key"

  private enum Kind: Sendable {
    case key, bytes, text, json, integer
    /// All of one type and shape: the values alone.
    case array
    /// Each with its shape before the values.
    case shapedArray
  }

  /// By name.
  let columns: [MDSColumn]
  private let kinds: [Kind]
  /// The field of each column; empty for the key.
  private let fields: [String]
  private var repairedCaptions = 0

  /// - Parameters:
  ///   - names: the fields of every sample, added ones left out.
  ///   - added: the added fields.
  ///   - caption: the field that holds captions, if one does.
  ///   - json: the field that holds JSON, if one does.
  ///   - rawImage: the field that holds pixels, if one does.
  init(
    _ names: [String], added: [String: AddedFields.Description], caption: String?, json: String?,
    rawImage: String?
  ) throws(PipelineError) {
    var table: [(column: MDSColumn, kind: Kind, field: String)] = [
      (MDSColumn(Self.keyColumn, "str"), .key, "")
    ]
    let taken = Set(names).union([Self.keyColumn])
    func columnName(_ field: String) -> String {
      let short = String(field.dropLast(".npy".count))
      return field.hasSuffix(".npy") && !taken.contains(short) ? short : field
    }
    for name in names where added[name] == nil {
      let (encoding, kind): (String, Kind) =
        switch name {
        case rawImage: ("ndarray:uint8", .shapedArray)
        case "jpg", "jpeg": ("jpeg", .bytes)
        case "png": ("png", .bytes)
        case caption: ("str", .text)
        case json: ("json", .json)
        case Self.integerField: ("int", .integer)
        case Self.keyColumn:
          throw PipelineError(.usage, "publish.fields: MDS calls the sample's key 'key': rename the field")
        default: ("bytes", .bytes)
        }
      let column = name == rawImage ? columnName(name) : name
      table.append((MDSColumn(column, encoding, size: kind == .integer ? 8 : nil), kind, name))
    }
    for (name, description) in added {
      guard let type = Self.typeNames[description.dtype] else {
        throw PipelineError(.usage, "publish.add: MDS has no arrays of \(description.dtype)")
      }
      let shape = description.shape.map(String.init).joined(separator: ",")
      let size = description.shape.reduce(type.bytes, *)
      table.append((MDSColumn(columnName(name), "ndarray:\(type.name):\(shape)", size: size), .array, name))
    }
    table.sort { $0.column.name.utf8.lexicographicallyPrecedes($1.column.name.utf8) }
    columns = table.map(\.column)
    kinds = table.map(\.kind)
    fields = table.map(\.field)
  }

  private static let typeNames: [String: (name: String, bytes: Int)] = [
    "|u1": ("uint8", 1), "<f2": ("float16", 2), "<f4": ("float32", 4), "<f8": ("float64", 8),
    "<u4": ("uint32", 4), "<i4": ("int32", 4), "<i8": ("int64", 8),
  ]

  /// The values of a sample, by column.
  mutating func values(_ sample: PublishedSample) throws(PipelineError) -> [ArraySlice<UInt8>] {
    var values: [ArraySlice<UInt8>] = []
    for (kind, name) in zip(kinds, fields) {
      if case .key = kind {
        values.append(sample.key[...])
        continue
      }
      guard let field = sample.fields.first(where: { $0.name == name }) else {
        throw fault(sample, name, "is missing")
      }
      values.append(try value(field, kind, sample))
    }
    return values
  }

  private mutating func value(
    _ field: OutputField, _ kind: Kind, _ sample: PublishedSample
  ) throws(PipelineError) -> ArraySlice<UInt8> {
    switch kind {
    case .key, .bytes: return field.bytes
    case .text:
      guard String(validating: field.bytes, as: UTF8.self) == nil else { return field.bytes }
      repairedCaptions += 1
      return repairedCaption(field.bytes)[...]
    case .json:
      if let problem = Self.problem(json: field.bytes) { throw fault(sample, field.name, problem) }
      return field.bytes
    case .integer:
      guard let number = Self.integer(field.bytes) else {
        throw fault(sample, field.name, Self.noInteger)
      }
      var bytes: [UInt8] = []
      bytes.appendLittleEndian(number)
      return bytes[...]
    case .array, .shapedArray:
      guard let (header, array) = NpyReader.split(field.bytes) else {
        throw fault(sample, field.name, "is no array")
      }
      guard case .shapedArray = kind else { return array }
      return (Self.shape(header.shape) + array)[...]
    }
  }

  /// The field that holds the number of a class.
  static let integerField = "cls"

  /// What stands for the number of a class that a sample lacks, as scikit-learn writes "no label".
  static let noLabel = Array("-1".utf8)

  /// Why MDS cannot hold a field as what its name says; nil if it can.
  ///
  /// - Parameter json: the name of the field that holds JSON.
  static func problem(_ name: String, _ bytes: ArraySlice<UInt8>, json: String?) -> String? {
    switch name {
    case json: problem(json: bytes)
    case integerField: integer(bytes) == nil ? noInteger : nil
    default: nil
    }
  }

  private static func problem(json bytes: ArraySlice<UInt8>) -> String? {
    JSONFields.isObject(bytes) && String(validating: bytes, as: UTF8.self) != nil
      ? nil : "is not one JSON object; publish.fields can rename it or leave it out"
  }

  private static let noInteger = "is no whole number; publish.fields can rename it or leave it out"

  private static func integer(_ bytes: ArraySlice<UInt8>) -> Int64? {
    let text = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return text.count == 1 ? Int64(text[0]) : nil
  }

  /// Number of axes and their lengths, in the smallest type that holds them all.
  private static func shape(_ axes: [Int]) -> [UInt8] {
    let largest = axes.max() ?? 0
    let code = largest < 1 << 8 ? 0 : largest < 1 << 16 ? 1 : 2
    var bytes = [UInt8(axes.count << 2 | code)]
    for axis in axes {
      switch code {
      case 0: bytes.append(UInt8(axis))
      case 1: bytes.appendLittleEndian(UInt16(axis))
      default: bytes.appendLittleEndian(UInt32(axis))
      }
    }
    return bytes
  }

  private func fault(_ sample: PublishedSample, _ field: String, _ text: String) -> PipelineError {
    PipelineError(.badData, "\(printable(sample.key)).\(field): \(text)")
  }

  var notices: [String] {
    let were = repairedCaptions == 1 ? "1 caption was" : "\(repairedCaptions) captions were"
    return repairedCaptions == 0 ? [] : ["\(were) not UTF-8 and repaired, as MDS holds text"]
  }
}
