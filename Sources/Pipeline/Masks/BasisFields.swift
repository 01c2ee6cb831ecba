import Algebra
import Features
import Shards

/// Coefficients, visible images and targets of thumbnails by a basis: each is a function of its thumbnail, its mask
/// and the basis only, whatever the batch or the thread.
struct BasisFields {
  let basis: ComponentBasis
  private let target: Recipe.MaskTarget
  private let dtype: Recipe.FieldType
  private let fields: [Recipe.Publish.Added]

  /// - Parameter fields: those wanted of coefficients, visible and target, in the order of their declaration.
  init(_ basis: ComponentBasis, _ mask: Recipe.Mask, fields: [Recipe.Publish.Added]) {
    self.basis = basis
    target = mask.target
    dtype = mask.dtype
    self.fields = fields.filter { [.coefficients, .visible, .target].contains($0) }
  }

  /// Bytes one row takes while it is worked on.
  var rowBytes: Int { 48 * max(basis.features, basis.componentCount) }

  /// The shape of a field.
  func shape(_ field: Recipe.Publish.Added) -> [Int] {
    let image = basis.shape.map { [$0.channels, $0.height, $0.width] } ?? [basis.features]
    switch field {
    case .visible: return image
    case .target where target == .pixels: return image
    default: return [basis.componentCount]
    }
  }

  /// The type of all fields.
  var type: NpyType { dtype == .float16 ? .float16 : .float32 }

  /// The values of rows, one array of bytes a field.
  ///
  /// - Parameters:
  ///   - images: n planar images of 8 bits.
  ///   - masks: n masks; may be empty when only coefficients are wanted.
  func values(_ images: Span<UInt8>, masks: [UInt8]) -> [[UInt8]] {
    let rows = basis.standardized(images)
    return values(rows: rows, masks: masks)
  }

  /// The values of standardised rows.
  func values(rows: [Float], masks: [UInt8]) -> [[UInt8]] {
    let coefficients = basis.coefficients(of: rows.span)
    let needsMasked = fields.contains(.visible) || (fields.contains(.target) && target == .pixels)
    let masked = needsMasked ? basis.masked(coefficients: coefficients.span, masks: masks.span) : []
    return fields.map { field in
      switch field {
      case .visible: bytes(Self.difference(rows, masked))
      case .target where target == .pixels: bytes(masked)
      case .target: bytes(Self.selected(coefficients, by: masks, basis))
      default: bytes(coefficients)
      }
    }
  }

  private static func difference(_ rows: [Float], _ masked: [Float]) -> [Float] {
    var result = rows
    var target = result.mutableSpan
    for i in target.indices { target[i] -= masked[i] }
    return result
  }

  /// Masked coefficients, zero elsewhere.
  private static func selected(_ coefficients: [Float], by masks: [UInt8], _ basis: ComponentBasis) -> [Float]
  {
    var result = coefficients
    var target = result.mutableSpan
    let (count, bytes) = (basis.componentCount, basis.maskBytes)
    for row in 0..<(coefficients.count / count) {
      for l in 0..<count where masks[row * bytes + l >> 3] >> UInt8(truncatingIfNeeded: l & 7) & 1 == 0 {
        target[row * count + l] = 0
      }
    }
    return result
  }

  /// As stored; half precision is clamped to its finite range.
  private func bytes(_ values: [Float]) -> [UInt8] {
    switch dtype {
    case .float32: return NpyFile.bytes(of: values)
    case .float16:
      let largest = Float(Float16.greatestFiniteMagnitude)
      return NpyFile.bytes(of: values.map { Float16(min(max($0, -largest), largest)) })
    }
  }
}
