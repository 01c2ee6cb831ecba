import Features

extension PruneStage {
  /// ε of `epsilon: auto`: calibrated for the encoder, or 0.07 where nobody did.
  static func calibratedEpsilon(_ encoder: Recipe.ImageEncoder?) -> (value: Double, origin: String) {
    switch encoder {
    // On samples/: re-encoded, resized and brightened copies have similarities from 0.995 up, the nearest different
    // pictures 0.945. Crops are not found.
    case nil, .pixels: return (0.03, "the pixels encoder's value")
    case .efficientnetLite0: return (0.07, "that of efficientnet-lite0")
    case .file: return (0.07, "as there is none for rows from a file: look at the duplicates it finds")
    case .model(let model):
      switch model.options.preset {
      case .sscd: return (0.25, "the value for SSCD")
      case .efficientnetLite: return (0.07, "that of efficientnet-lite0")
      default: return (0.07, "as there is none for this model: look at the duplicates it finds")
      }
    }
  }
}
