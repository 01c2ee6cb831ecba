internal import Glibc

/// Compares the samples of a stream with the plan that decides them: distances to centroids by Kolmogorov and Smirnov,
/// shares of the concepts by the population stability index, and each concept by itself.
///
/// Fed in the order of the claims with what the verdicts hold, it is a function of these numbers alone, so it can be made
/// again from the verdict files of the claims since the fit. It looks every ``Settings/step`` samples at the last
/// ``Settings/window`` ones, and once alarmed it stays so: a refit begins with a new monitor.
///
/// Limits (``DriftLimits``) are such that samples like those of the plan raise an alarm with a chance of at most
/// ``Settings/falseAlarms`` in a million samples: it is divided by the looks, by the three tests, and among the concepts
/// (Bonferroni).
public struct DriftMonitor: Sendable {
  public struct Settings: Sendable, Equatable {
    /// Samples that are compared with the plan.
    public var window = 5000
    /// Samples between two looks.
    public var step = 250
    /// Samples before the first look; looks before the window is full compare what there is.
    public var least = 1000
    /// Chance of a false alarm in a million samples.
    public var falseAlarms = 0.01

    public init() {}
  }

  /// One concept in window and plan.
  public struct Concept: Sendable, Equatable {
    public var concept: Int
    /// Of the window.
    public var share: Double
    /// Of the plan.
    public var plannedShare: Double
    /// Shares of the window from which on, and up to which, it alone is an alarm.
    public var tooLarge: Double
    public var tooSmall: Double
    /// Its term of PSI.
    public var term: Double
  }

  /// What the last look saw; zeros and infinite limits before the first.
  public struct Report: Sendable, Equatable {
    /// Samples that reached the concepts since the plan.
    public var samples = 0
    /// Samples that the last look compared.
    public var window = 0
    /// KS distance of the distances to centroids.
    public var ks = 0.0
    public var ksLimit = Double.infinity
    /// Σ (q − p)·ln(q/p) over the concepts; those that expect fewer than 10 samples are taken together.
    public var psi = 0.0
    public var psiLimit = Double.infinity
    /// The concept with the largest term, first of all those beyond their limits.
    public var worst: Concept?
    /// Samples at the first alarm; nil without one.
    public var alarmedAt: Int?
    public var isAlarmed: Bool { alarmedAt != nil }
  }

  private let reference: DriftReference
  private let correction: Double
  public let settings: Settings
  private var limits: (window: Int, values: DriftLimits)?
  /// The last samples, as a ring.
  private var clusters: [Int32] = []
  private var distances: [Float] = []
  private var next = 0
  public private(set) var report = Report()

  /// - Precondition: `step`, `least` and `window` are at least 1.
  public init(_ reference: DriftReference, _ settings: Settings = Settings()) {
    precondition(settings.step >= 1 && settings.least >= 1 && settings.window >= 1)
    self.reference = reference
    self.settings = settings
    correction = reference.correction
  }

  /// Takes the samples of verdicts that have a concept.
  public mutating func add(_ verdicts: some Sequence<Verdict>) {
    for verdict in verdicts where verdict.cluster >= 0 {
      add(cluster: verdict.cluster, distance: verdict.distance)
    }
  }

  /// Takes one sample; clusters that the plan does not have are passed over.
  public mutating func add(cluster: Int32, distance: Float) {
    guard reference.counts.indices.contains(Int(cluster)) else { return }
    if clusters.count < settings.window {
      clusters.append(cluster)
      distances.append(distance)
    } else {
      clusters[next] = cluster
      distances[next] = distance
    }
    next = (next + 1) % settings.window
    report.samples += 1
    if report.samples % settings.step == 0, report.samples >= min(settings.least, settings.window) { look() }
  }

  private mutating func look() {
    let window = clusters.count
    if limits?.window != window {
      limits = (
        window,
        DriftLimits(
          reference, correction: correction, window: window,
          chance: min(0.5, settings.falseAlarms * Double(settings.step) / 1e6))
      )
    }
    let limits = limits!.values
    report.window = window
    report.ks = KolmogorovSmirnov.distance(distances.sorted(), reference.distances)
    report.ksLimit = limits.ks
    var counts = [Int](repeating: 0, count: reference.counts.count)
    var cells = [Int](repeating: 0, count: limits.planned.count)
    for cluster in clusters {
      counts[Int(cluster)] += 1
      cells[limits.cells[Int(cluster)]] += 1
    }
    report.psi = cells.indices.reduce(0) { sum, cell in
      limits.planned[cell] == 0 && cells[cell] == 0
        ? sum : sum + term(cells[cell], of: window, planned: limits.planned[cell])
    }
    report.psiLimit = limits.psi
    let beyond = counts.indices.filter {
      counts[$0] >= limits.tooMany[$0] || counts[$0] <= limits.tooFew[$0]
    }
    report.worst = worst(beyond.isEmpty ? Array(counts.indices) : beyond, counts, limits)
    let isAlarmed = report.ks > report.ksLimit || report.psi > report.psiLimit || !beyond.isEmpty
    if isAlarmed, report.alarmedAt == nil { report.alarmedAt = report.samples }
  }

  /// A term of PSI; half a sample is added to both counts, so that none is infinite.
  private func term(_ count: Int, of window: Int, planned: Int) -> Double {
    let total = Double(max(1, reference.counts.reduce(0, +)))
    let (p, q) = ((Double(planned) + 0.5) / total, (Double(count) + 0.5) / Double(window))
    return (q - p) * log(q / p)
  }

  private func worst(_ concepts: [Int], _ counts: [Int], _ limits: DriftLimits) -> Concept? {
    let terms = concepts.map { term(counts[$0], of: clusters.count, planned: reference.counts[$0]) }
    guard let place = terms.indices.max(by: { terms[$0] < terms[$1] }) else { return nil }
    let (concept, window) = (concepts[place], Double(clusters.count))
    let total = Double(max(1, reference.counts.reduce(0, +)))
    return Concept(
      concept: concept, share: Double(counts[concept]) / window,
      plannedShare: Double(reference.counts[concept]) / total,
      tooLarge: Double(limits.tooMany[concept]) / window, tooSmall: Double(limits.tooFew[concept]) / window,
      term: terms[place])
  }
}
