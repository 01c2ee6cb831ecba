/// A smooth convex function with its derivatives.
public protocol ConvexFunction {
  /// The value at a point; writes the gradient, of the point's length.
  mutating func evaluate(_ point: [Double], _ gradient: inout [Double]) -> Double
  /// The Hessian at the point of the last evaluation, times `direction`.
  func curvature(times direction: [Double]) -> [Double]
}

/// The least value of a smooth convex function by Newton's method, each step solved as far as it pays by conjugate
/// gradients (Dembo and Steihaug, "Truncated-Newton algorithms for large-scale unconstrained optimization", 1983).
///
/// Every sum runs in index order, so the result depends on the function's bits alone.
public enum TruncatedNewton {
  /// Where the search ended.
  public struct Minimum: Sendable {
    public var point: [Double]
    public var value: Double
    /// Largest absolute entry of the gradient there.
    public var gradient: Double
    /// Newton steps taken.
    public var rounds: Int
  }

  /// Rounds without a smaller gradient after which rounding is all that is left.
  private static let patience = 4

  /// Searches from `start` until no entry of the gradient is above `tolerance`, or nothing gets smaller any more, or
  /// `rounds` steps are taken.
  public static func minimise<Function: ConvexFunction>(
    _ function: inout Function, from start: [Double], tolerance: Double, rounds: Int
  ) -> Minimum {
    var point = start
    var gradient = [Double](repeating: 0, count: point.count)
    var value = function.evaluate(point, &gradient)
    var best = Minimum(point: point, value: value, gradient: largest(gradient), rounds: 0)
    let first = length(gradient)
    var idle = 0
    for round in 1...max(1, rounds) where best.gradient > tolerance && idle < patience {
      let share = min(0.5, (length(gradient) / first).squareRoot())
      let direction = solve(function, gradient, until: share * length(gradient))
      let slope = dot(direction, gradient)
      guard slope < 0 else { break }
      // Halved until the value falls enough (Armijo); rounding of the value does not count.
      let noise = 1e-14 * abs(value)
      var step = 1.0
      var candidate = point
      var found = Double.infinity
      while step > 1e-12 {
        for i in point.indices { candidate[i] = point[i] + step * direction[i] }
        found = function.evaluate(candidate, &gradient)
        if found <= value + 1e-4 * step * slope + noise { break }
        step /= 2
      }
      guard step > 1e-12 else { break }
      (point, value) = (candidate, found)
      let size = largest(gradient)
      idle = size < best.gradient ? 0 : idle + 1
      if size < best.gradient { best = Minimum(point: point, value: value, gradient: size, rounds: round) }
    }
    return best
  }

  /// An approximate solution d of H·d = −gradient, its residual at most `bound` long.
  private static func solve<Function: ConvexFunction>(
    _ function: Function, _ gradient: [Double], until bound: Double
  ) -> [Double] {
    var solution = [Double](repeating: 0, count: gradient.count)
    var residual = gradient.map { -$0 }
    var direction = residual
    var square = dot(residual, residual)
    for _ in 0..<max(20, 2 * gradient.count) where square.squareRoot() > bound {
      let product = function.curvature(times: direction)
      let bend = dot(direction, product)
      // Flat but for rounding.
      guard bend > 0 else { break }
      let step = square / bend
      for i in solution.indices {
        solution[i] += step * direction[i]
        residual[i] -= step * product[i]
      }
      let next = dot(residual, residual)
      let carry = next / square
      for i in direction.indices { direction[i] = residual[i] + carry * direction[i] }
      square = next
    }
    return solution
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }

  private static func length(_ a: [Double]) -> Double { dot(a, a).squareRoot() }

  private static func largest(_ values: [Double]) -> Double { values.reduce(0) { max($0, abs($1)) } }
}
