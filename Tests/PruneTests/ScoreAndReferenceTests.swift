import Algebra
import Prune
import Testing

private func scored(_ scores: [Float], _ rule: PruneSettings.Score) throws -> [Bool] {
  let rows = EmbeddingMatrix(scores.flatMap { _ in direction(0) }, dimension: 4)
  var input = PruneInput(image: rows, keys: .numbered(scores.count))
  input.scores = scores
  var settings = PruneSettings()
  settings.score = rule
  let verdicts = try prune(input, settings).verdicts
  #expect(verdicts.allSatisfy { $0.kept || $0.reason == .score })
  return verdicts.map(\.kept)
}

@Test("A fraction keeps exactly Int(f·n) of the highest scores; NaN is never kept")
func scoreFraction() throws {
  let scores: [Float] = [0.1, .nan, 0.3, 0.3, 0.3, -0.5]
  #expect(try scored(scores, .keep(0.5)) == [false, false, true, true, true, false])
  #expect(try scored(scores, .keep(0.34)) == [false, false, true, true, false, false])
  #expect(try scored(scores, .keep(1)) == [true, false, true, true, true, true])
  #expect(try scored(scores, .keep(0)) == [false, false, false, false, false, false])
}

@Test("A minimum keeps equal scores; DataComp's rule keeps all that reach the next score")
func scoreThresholds() throws {
  let scores: [Float] = [0.1, .nan, 0.3, 0.25, 0.3, -0.5]
  #expect(try scored(scores, .minimum(0.25)) == [false, false, true, true, true, false])
  #expect(try scored(scores, .dataComp(0.17)) == [false, false, true, false, true, false])
  #expect(try scored(scores, .dataComp(0.34)) == [false, false, true, true, true, false])
  #expect(try scored(scores, .dataComp(1)) == [true, false, true, true, true, true])
}

@Test("A sample without a caption has no score and is dropped by the score stage")
func noCaption() throws {
  let rows = EmbeddingMatrix(direction(0) + direction(10), dimension: 4)
  var input = PruneInput(image: rows, keys: .numbered(2))
  input.text = EmbeddingMatrix([0, 0, 0, 0] + direction(20), dimension: 4)
  var settings = PruneSettings()
  settings.score = .minimum(-1)
  let result = try prune(input, settings)
  #expect(result.verdicts.map(\.reason) == [.score, .kept])
  #expect(result.verdicts[0].score.isNaN)
  #expect(result.verdicts[1].score == Float(FixedOrderDot.dot(direction(10), direction(20))))
  #expect(result.notices == [.scoresNotANumber(1)])
}

@Test("Near drops the nearest to the references, far the farthest, gap those above a gap")
func references() throws {
  let angles = [0.0, 5, 10, 15, 20, 25]
  var input = PruneInput(
    image: EmbeddingMatrix(angles.flatMap { direction($0) }, dimension: 4), keys: .numbered(6))
  input.reference = EmbeddingMatrix(direction(4) + direction(40), dimension: 4)
  func kept(_ rule: PruneSettings.Reference) throws -> [Bool] {
    var settings = PruneSettings()
    settings.reference = rule
    let verdicts = try prune(input, settings).verdicts
    #expect(verdicts.allSatisfy { $0.kept || $0.reason == .reference })
    return verdicts.map(\.kept)
  }
  // Degrees to the nearer reference: 4, 1, 6, 11, 16, 15.
  #expect(try kept(.near(keep: 0.5)) == [false, false, false, true, true, true])
  #expect(try kept(.far(keep: 0.5)) == [true, true, true, false, false, false])
  // The dot with row 5° itself is not above the gap: strict.
  let gap = Float(FixedOrderDot.dot(direction(5), direction(4)))
  input.gap = [gap, 0.95]
  #expect(try kept(.gap) == [true, true, true, true, true, false])
  input.gap = [gap.nextDown, 2]
  #expect(try kept(.gap) == [true, false, true, true, true, true])
}
