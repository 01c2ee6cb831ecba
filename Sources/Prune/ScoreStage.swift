internal import Algebra

/// The image-text score stage.
enum ScoreStage {
  /// The score of each row of `rows`, see ``imageTextScore(joint:text:)``.
  static func scores(_ rows: [Int32], joint: EmbeddingMatrix, text: EmbeddingMatrix, threads: Int) -> [Float]
  {
    let (tile, d) = (256, text.dimension)
    let places = joint.readingOrder(rows)
    let order = places.map { $0.map { rows[Int($0)] } } ?? rows
    let scores = parallelMap((rows.count + tile - 1) / tile, threads: threads) {
      (joint: [Float](repeating: 0, count: tile * d), text: [Float](repeating: 0, count: tile * d))
    } _: { index, buffers in
      let range = index * tile..<min(order.count, (index + 1) * tile)
      joint.gather(order, range, into: &buffers.joint)
      text.gather(order, range, into: &buffers.text)
      let (left, right) = (buffers.joint.span, buffers.text.span)
      return (0..<range.count).map { row in
        let values = row * d..<(row + 1) * d
        return imageTextScore(joint: left.extracting(values), text: right.extracting(values))
      }
    }.flatMap { $0 }
    guard let places else { return scores }
    var result = scores
    for (place, score) in zip(places, scores) { result[Int(place)] = score }
    return result
  }

  /// Marks the rows of `survivors` (canonical order) whose score is too low or NaN.
  ///
  /// - Returns: the least score kept, or the minimum asked for; the largest number if nothing is kept.
  static func run(_ rule: PruneSettings.Score, _ survivors: [Int32], verdicts: inout [Verdict]) -> Double {
    let scores = survivors.map { verdicts[Int($0)].score }
    let keeps: [Bool]
    switch rule {
    case .keep(let fraction):
      var flags = [Bool](repeating: false, count: scores.count)
      for position in TopK.descending(scores).prefix(Ranking.count(fraction, of: scores.count)) {
        flags[Int(position)] = !scores[Int(position)].isNaN
      }
      keeps = flags
    case .minimum(let bar):
      keeps = scores.map { Double($0) >= bar }
    case .dataComp(let fraction):
      let next = TopK.descending(scores).dropFirst(Ranking.count(fraction, of: scores.count)).first
      let bar = next.map { scores[Int($0)] }
      // Beyond the last score, or among rows without one, everything with a score is kept.
      keeps = scores.map { score in !score.isNaN && (bar.map { $0.isNaN || score >= $0 } ?? true) }
    }
    for (position, keep) in keeps.enumerated() where !keep {
      verdicts[Int(survivors[position])].drop(.score)
    }
    if case .minimum(let bar) = rule { return bar }
    return zip(scores, keeps).lazy.filter(\.1).map { Double($0.0) }.min() ?? .greatestFiniteMagnitude
  }
}

/// The score of image and caption: the fixed-order dot of the image's row in the captions' space and the caption's
/// row, both `(t,)`, rounded once to Float32; NaN for a zero caption row, which is a sample without caption.
public func imageTextScore(joint: [Float], text: [Float]) -> Float {
  imageTextScore(joint: joint.span, text: text.span)
}

private func imageTextScore(joint: Span<Float>, text: Span<Float>) -> Float {
  if text.indices.allSatisfy({ text[$0] == 0 }) { return .nan }
  return Float(FixedOrderDot.dot(joint, text))
}
