/// What another temperature or fraction would do to the quotas of a fitted model: the quotas are solved again, nothing
/// else is.
public enum WhatIf {
  /// One combination.
  public struct Line: Sendable, Equatable {
    /// nil where quotas do not depend on a temperature.
    public var temperature: Double?
    public var keep: Double
    /// Rows there are.
    public var rows: Int
    /// Rows kept.
    public var kept: Int
    public var diagnostics: ConceptDiagnostics
    /// Rows decided otherwise than by the model. Within a concept the rows kept are nested, so these are the
    /// differences of the quotas, summed.
    public var changed: Int
    /// Whether these are the settings of the model.
    public var isPresent: Bool
  }

  public static let temperatures = [0.02, 0.05, 0.1, 0.2, 0.5]
  public static let fractions = [0.1, 0.2, 0.4, 0.6, 0.8]

  /// The lines for the usual temperatures and fractions and those of `concepts`, ascending.
  ///
  /// - Parameters:
  ///   - model: as fitted with `concepts`.
  ///   - concepts: how shares and bounds are made.
  public static func lines(_ model: ConceptModel, _ concepts: PruneSettings.Concepts) -> [Line] {
    let rows = model.size.reduce(0, +)
    let present: Double
    switch concepts.limit {
    case .keep(let fraction): present = fraction
    case .count(let count): present = rows == 0 ? 0 : Double(count) / Double(rows)
    }
    let temperatures: [Double?] =
      concepts.quotas == .complexity ? sorted(Self.temperatures, concepts.temperature) : [nil]
    return temperatures.flatMap { temperature in
      sorted(fractions, present).map { keep in
        var settings = concepts
        settings.temperature = temperature ?? concepts.temperature
        let isPresent = keep == present && settings.temperature == concepts.temperature
        let total = isPresent ? model.quota.reduce(0, +) : Ranking.count(keep, of: rows)
        return line(model, settings, temperature, keep, total: total, isPresent)
      }
    }
  }

  private static func sorted(_ values: [Double], _ present: Double) -> [Double] {
    (values.filter { $0 != present } + [present]).sorted()
  }

  private static func line(
    _ model: ConceptModel, _ settings: PruneSettings.Concepts, _ temperature: Double?, _ keep: Double,
    total: Int,
    _ isPresent: Bool
  ) -> Line {
    let share = ConceptShare.of(settings, complexity: model.complexity, sizes: model.size)
    var notices: [PruneNotice] = []
    // A fraction of the rows there are is always feasible: floors are lowered where they must be.
    guard
      let quotas = try? Quotas(
        share: share, sizes: model.size, total: total, balance: settings.balance, official: settings.official,
        clamps: true, notices: &notices)
    else { preconditionFailure("a fraction of the rows cannot be kept") }
    return Line(
      temperature: temperature, keep: keep, rows: model.size.reduce(0, +), kept: total,
      diagnostics: ConceptDiagnostics(share: share, sizes: model.size, quotas),
      changed: zip(quotas.quota, model.quota).reduce(0) { $0 + abs($1.0 - $1.1) }, isPresent: isPresent)
  }
}
