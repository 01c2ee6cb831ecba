/// Thumbnails of JPEGs decoded at a smaller scale.
extension Thumbnailer {
  /// The smallest scale at which the decoded image is at least as large as what it is resized to.
  func scale(for info: ImageInfo, orientation: UInt8) -> JPEGScale {
    let isTurned = orientation >= 5
    let needed = resized(
      width: isTurned ? info.height : info.width, height: isTurned ? info.width : info.height)
    return .smallest(
      for: (info.width, info.height),
      needed: isTurned ? (needed.height, needed.width) : needed)
  }

  /// What to ask of the resampler for an image that was decoded at `scale` and then turned.
  ///
  /// The result shows the same part of the picture as the exact thumbnail: the last column and row of a scaled
  /// decode may stand for less than a pixel, and only that much of them counts.
  func plan(for info: ImageInfo, orientation: UInt8, scale: JPEGScale) -> ResizePlan {
    let isTurned = orientation >= 5
    var plan = plan(width: isTurned ? info.height : info.width, height: isTurned ? info.width : info.height)
    if scale == .full { return plan }
    // The sides that end where the stored image begins: what is missing of a pixel is at their start.
    plan.x.shrink(to: scale, isMirrored: [2, 3, 6, 7].contains(orientation))
    plan.y.shrink(to: scale, isMirrored: [3, 4, 7, 8].contains(orientation))
    return plan
  }
}

extension AxisPlan {
  fileprivate mutating func shrink(to scale: JPEGScale, isMirrored: Bool) {
    extent = Double(input * scale.eighths) / 8
    input = scale.applied(input)
    start = isMirrored ? Double(input) - extent : 0
  }
}
