import Dispatch
import Foundation
public import Pipeline
import Synchronization

/// `tamis serve`: looks into the input directory again and again, and hands each new shard to a ``StreamSession``.
///
/// SIGTERM or SIGINT: no new shard is taken, the one in work is finished, what is kept is published, and ``run()``
/// returns. If that takes longer than `daemon.drain_seconds`, or on a second signal, the process ends at once: the
/// next start continues as after `kill -9`.
public struct Server: ~Copyable {
  private let recipe: Recipe
  private let events: EventHandler
  private var session: StreamSession

  /// Exit code when the drain took too long (EX_TEMPFAIL).
  private static let drainTooLong: Int32 = 75
  /// How often the directory is looked at.
  private static let interval = DispatchTimeInterval.milliseconds(500)

  /// Opens the workspace and finishes what a killed process began.
  public init(_ recipe: Recipe, workspace: String, events: @escaping EventHandler) throws {
    self.recipe = recipe
    self.events = events
    session = try StreamSession.open(recipe, workspace: workspace, events: events)
  }

  /// Works until a signal asks for the end. Returns the number of samples published in all.
  public mutating func run() throws -> Int {
    let stop = StopSignal(drainSeconds: recipe.daemon.drainSeconds) { Glibc.exit(Self.drainTooLong) }
    if recipe.daemon.listen != nil { events(.notice("daemon.listen: this version opens no port")) }
    events(.notice("watching \(recipe.input.path)"))
    while !stop.isRequested {
      var worked = false
      for shard in try session.waiting(now: Date().timeIntervalSince1970) where !stop.isRequested {
        try session.process(shard)
        worked = true
        events(
          .notice(
            "\(shard.name): taken; \(session.publishedSamples) samples published, \(session.pendingSamples) pending"
          ))
      }
      if !worked { stop.wait(Self.interval) }
    }
    // `stop` stays alive until here, so that a second signal still ends the drain.
    defer { withExtendedLifetime(stop) {} }
    if !session.isStreaming { events(.notice("ended before the plan was fitted: nothing is published yet")) }
    try session.drain()
    return session.publishedSamples
  }
}
