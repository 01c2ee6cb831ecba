public import Decode

/// How a family of models wants its pictures: the picture is brought to a square of 8-bit RGB as Pillow and
/// torchvision do it, then each value v becomes (v/255 − mean)/deviation of its channel.
public enum ImagePreset: String, Sendable, CaseIterable {
  /// Shorter side to 224 (bicubic), middle 224 × 224, CLIP's mean and deviation.
  case clip
  /// Shorter side to 256 (bicubic), middle 224 × 224, ImageNet's mean and deviation.
  case dinov2
  /// Straight to 320 × 320 (bilinear), ImageNet's mean and deviation; for models that take bytes, straight to 224 × 224.
  case sscd
  /// Shorter side to 256 (bilinear), middle 224 × 224, ImageNet's mean and deviation.
  case imagenet
  /// Straight to 224 × 224 (bicubic), (v − 127)/128: EfficientNet-Lite.
  case efficientnetLite = "efficientnet-lite0"
  /// Straight to 224 × 224 (bicubic), v/255.
  case none

  /// The preparation before a model or a user changes it.
  public var preparation: ImagePreparation {
    let imageNet = (mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
    return switch self {
    case .clip:
      ImagePreparation(
        shorterSide: 224, size: 224, filter: .bicubic, mean: [0.48145466, 0.4578275, 0.40821073],
        deviation: [0.26862954, 0.26130258, 0.27577711])
    case .dinov2:
      ImagePreparation(
        shorterSide: 256, size: 224, filter: .bicubic, mean: imageNet.mean, deviation: imageNet.deviation)
    case .sscd:
      ImagePreparation(
        shorterSide: nil, size: 320, filter: .bilinear, mean: imageNet.mean, deviation: imageNet.deviation)
    case .imagenet:
      ImagePreparation(
        shorterSide: 256, size: 224, filter: .bilinear, mean: imageNet.mean, deviation: imageNet.deviation)
    case .efficientnetLite:
      ImagePreparation(
        shorterSide: nil, size: 224, filter: .bicubic, mean: [Double](repeating: 127.0 / 255, count: 3),
        deviation: [Double](repeating: 128.0 / 255, count: 3))
    case .none:
      ImagePreparation(
        shorterSide: nil, size: 224, filter: .bicubic, mean: [0, 0, 0], deviation: [1, 1, 1])
    }
  }
}

/// From a decoded picture to the numbers a model takes.
public struct ImagePreparation: Sendable, Equatable {
  /// The shorter side is brought to this, then the middle is cut out; nil: straight to the square, the aspect is
  /// lost.
  public var shorterSide: Int?
  /// Side of the square.
  public var size: Int
  public var filter: ResampleFilter
  /// Of R, G, B in 0…1.
  public var mean: [Double]
  public var deviation: [Double]

  /// Makes the square.
  public var thumbnailer: Thumbnailer {
    Thumbnailer(
      size: size, shorterSide: shorterSide ?? size, fit: shorterSide == nil ? .squash : .crop, filter: filter)
  }

  /// Takes the size that a model insists on; the border that is cut off stays in proportion.
  mutating func take(size wanted: Int) {
    if let shorterSide { self.shorterSide = (shorterSide * wanted + size / 2) / size }
    size = wanted
  }

  /// Takes what a user wants otherwise than the preset.
  ///
  /// - Throws: ``EncoderError`` for what does not fit together.
  mutating func take(_ options: OnnxImageEncoder.Options) throws(EncoderError) {
    if let wanted = options.shorterSide {
      guard wanted >= size else {
        throw EncoderError("a shorter side of \(wanted) is less than the picture's \(size)")
      }
      guard options.fit != .squash else {
        throw EncoderError("a shorter side of \(wanted), of a picture to be squashed")
      }
      shorterSide = wanted
    }
    switch options.fit {
    case .crop: shorterSide = shorterSide ?? size
    case .squash: shorterSide = nil
    case nil: break
    }
    if let wanted = options.filter { filter = wanted }
    if let wanted = options.mean { mean = wanted }
    if let wanted = options.deviation { deviation = wanted }
    guard mean.count == 3, deviation.count == 3, deviation.allSatisfy({ $0 > 0 && $0.isFinite }),
      mean.allSatisfy(\.isFinite)
    else { throw EncoderError("mean and deviation are three numbers each, the deviations above 0") }
  }

  /// What each byte value becomes: 3 × 256 numbers.
  func table() -> [Float] {
    (0..<3).flatMap { channel in
      (0..<256).map { Float((Double($0) / 255 - mean[channel]) / deviation[channel]) }
    }
  }

  /// Names it in manifests: equal names, equal numbers.
  public var id: String {
    let way = shorterSide.map { "crop \($0)" } ?? "squash"
    return "\(way) \(size) \(filter.rawValue) mean \(mean) std \(deviation)"
  }
}
