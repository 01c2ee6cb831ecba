import Foundation

/// One line on the terminal: share done, samples, samples/s, time left.
struct ProgressBar {
  private let stage: String
  private let bytes: UInt64
  private let samples: Int?
  private let start = ContinuousClock.now
  private var drawn = ContinuousClock.now
  private var isVisible = false

  init(_ stage: String, bytes: UInt64, samples: Int?) {
    self.stage = stage
    self.bytes = bytes
    self.samples = samples
  }

  /// Redraws at most ten times a second.
  mutating func update(samples done: Int, bytes read: UInt64) {
    let now = ContinuousClock.now
    guard now - drawn > .milliseconds(100) else { return }
    drawn = now
    let seconds = (now - start) / .seconds(1)
    let share =
      if let samples, samples > 0 { Double(done) / Double(samples) } else {
        Double(read) / Double(max(bytes, 1))
      }
    let left = share > 0 ? Int(seconds / share - seconds) : 0
    let rate = Int(Double(done) / max(seconds, 0.001))
    let text = String(
      format: "%3.0f%%  %d samples  %d samples/s  %@ left", share * 100, done, rate, Self.time(left))
    let room = max(0, min(30, Console.width - text.count - stage.count - 6))
    let filled = Int(Double(room) * min(share, 1))
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled)
    Console.partial("\r\u{1B}[K\(stage) [\(bar)] \(text)")
    isVisible = true
  }

  /// Shows what a stage without counts is at.
  mutating func show(step: String) {
    Console.partial("\r\u{1B}[K\(stage): \(step)")
    isVisible = true
  }

  /// Removes the line, so that other output can be written.
  mutating func clear() {
    if isVisible { Console.partial("\r\u{1B}[K") }
    isVisible = false
  }

  private static func time(_ seconds: Int) -> String {
    seconds >= 3600
      ? String(format: "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60)
      : String(format: "%d:%02d", seconds / 60, seconds % 60)
  }
}
