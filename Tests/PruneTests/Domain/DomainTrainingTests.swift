import Prune
import Testing

@Suite struct DomainTrainingTests {
  /// Rows around `classes` directions, with some labels wrong.
  private func examples(_ n: Int, _ d: Int, classes: Int) -> DomainTraining.Examples {
    var rows = Rows(seed: 3)
    let values = rows.clustered(n, d, centres: classes, spread: 0.8)
    let labels = (0..<n).map { i in Int32(i % 11 == 0 ? (i / 11) % classes : (i * 7) % classes) }
    return DomainTraining.Examples(rows: values, labels: labels, dimension: d)
  }

  @Test("the same bits for any number of threads", arguments: [2, 4])
  func threads(classes: Int) throws {
    let examples = examples(1500, 19, classes: classes)
    var options = DomainTraining.Options()
    let one = try DomainTraining.fit(examples, classes: classes, options)
    for threads in [2, 5] {
      options.threads = threads
      let other = try DomainTraining.fit(examples, classes: classes, options)
      #expect(one.weights == other.weights && one.bias == other.bias && one.rounds == other.rounds)
    }
  }

  @Test(
    "at the minimum: the weights are C times the sum of rows by their errors, the errors of each class sum to 0"
  )
  func optimality() throws {
    let (n, d, c) = (600, 12, 3)
    let examples = examples(n, d, classes: c)
    var options = DomainTraining.Options()
    options.closeness = 4
    let fit = try DomainTraining.fit(examples, classes: c, options)
    let head = try DomainHead(
      classes: ["a", "b", "c"], weights: fit.weights.map { Float($0) }, bias: fit.bias.map { Float($0) },
      thresholds: [0, 0, 0])
    let probabilities = head.probabilities(examples.rows)
    for j in 0..<c {
      var sum = [Double](repeating: 0, count: d)
      var errors = 0.0
      for i in 0..<n {
        let error = (Int(examples.labels[i]) == j ? 1 : 0) - Double(probabilities[i * c + j])
        errors += error
        for t in 0..<d { sum[t] += error * Double(examples.rows[i * d + t]) }
      }
      #expect(abs(errors) < 1e-4)
      for t in 0..<d { #expect(abs(fit.weights[j * d + t] - 4 * sum[t]) < 1e-3) }
    }
    #expect(abs(fit.bias.reduce(0, +)) < 1e-12)
  }

  @Test func twoClassesHaveOpposedRows() throws {
    let fit = try DomainTraining.fit(examples(300, 5, classes: 2), classes: 2)
    #expect(fit.weights[..<5].elementsEqual(fit.weights[5...].map { -$0 }))
    #expect(fit.bias[0] == -fit.bias[1])
  }

  @Test("separable classes have an end too: the penalty bounds the weights")
  func separable() throws {
    let rows = (0..<400).flatMap { direction($0 % 2 == 0 ? 10 + Double($0) / 100 : 60) }
    let examples = DomainTraining.Examples(
      rows: rows, labels: (0..<400).map { Int32($0 % 2) }, dimension: 4)
    for closeness in [0.01, 1, 1000, 1e5] {
      var options = DomainTraining.Options()
      options.closeness = closeness
      let fit = try DomainTraining.fit(examples, classes: 2, options)
      #expect(fit.weights.allSatisfy(\.isFinite) && fit.rounds < options.rounds)
    }
  }

  @Test func theSplitIsAFunctionOfKeyAndSeed() {
    let hashes = KeyColumn.numbered(8000).hashes
    func heldOut(_ share: Double, _ seed: UInt64 = 0) -> [Bool] {
      hashes.map { DomainSplit.isHeldOut(seed: seed, keyHash: $0, share: share) }
    }
    let quarter = heldOut(0.25)
    #expect((1850...2150).contains(quarter.count { $0 }))
    #expect(zip(quarter, heldOut(0.4)).allSatisfy { !$0 || $1 })
    #expect(heldOut(0.25, 1) != quarter)
    #expect(!heldOut(0).contains(true))
  }
}
