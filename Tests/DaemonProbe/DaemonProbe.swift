import Daemon
import Glibc
import Pipeline

/// A process for tests to send signals to: says on standard output what comes, and ends as a daemon does.
///
///     daemon-probe DRAIN_SECONDS [hang]
///     daemon-probe watch INPUT
///
/// With `hang` the drain never ends; `watch` looks at an input once.
@main
struct DaemonProbe {
  static func main() throws {
    let wakeup = try Wakeup()
    let arguments = CommandLine.arguments
    guard arguments[1] != "watch" else { return try watch(arguments[2]) }
    ProcessSignals.install(waking: wakeup, drainSeconds: Int(arguments[1]) ?? 60)
    let notifier = ServiceNotifier()
    let heartbeat = Heartbeat()
    heartbeat.setIdle(true)
    let watchdog = Watchdog(heartbeat, notifier)
    watchdog?.start()
    say("ready")
    notifier.ready(status: "waiting")
    while !ProcessSignals.isEndAsked {
      let cause = wakeup.wait(seconds: 60)
      if ProcessSignals.takeReload() {
        notifier.reloading()
        say("reload")
        notifier.ready()
      }
      if ProcessSignals.takeDump() { say("dump") }
      if cause == .elapsed { say("elapsed") }
    }
    notifier.stopping(status: "draining")
    say("end \(ProcessSignals.endingSignal ?? 0)")
    if arguments.contains("hang") { while true { pause() } }
  }

  private static func watch(_ input: String) throws {
    var options = DirectoryWatcher.Options()
    options.quietSeconds = 0
    var watcher = DirectoryWatcher(input, options)
    _ = watcher.look()
    say(watcher.isPolling ? "polling" : "events")
    let found = try ShardSet.find(input, match: "*.tar", waits: true).shards
    for shard in watcher.complete(of: found) { say(shard.name) }
    for notice in watcher.takeNotices() { say(notice) }
  }

  private static func say(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = unsafe write(1, line, line.count)
  }
}
