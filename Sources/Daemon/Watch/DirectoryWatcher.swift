import CLinux
import Glibc
public import Pipeline
import Shards

/// Says when the input is worth a look, and which of what is found there is complete.
///
/// The list of files always comes from `ShardSet.find`; inotify is a hint that something changed, which may be late,
/// doubled or lost. So there is a look at the start, one every `rescanSeconds`, and one when events were lost. Without
/// inotify (`polls`, or none is to be had) there is one every `pollSeconds`; also where the input is on a network file
/// system, which tells nothing of what other machines do.
///
/// The loop:
/// ```
/// wakeup.wait(seconds: watcher.secondsToLook(), descriptor: watcher.descriptor)
/// if watcher.look() { for shard in watcher.complete(of: try ShardSet.find(…).shards.filter { !taken($0) }) { … } }
/// ```
public struct DirectoryWatcher: ~Copyable {
  public struct Options: Sendable, Equatable {
    /// As in `daemon.quiet_seconds`.
    public var quietSeconds = 5.0
    /// Between two looks when no event came.
    public var rescanSeconds = 30.0
    /// Between two looks without inotify.
    public var pollSeconds = 5.0
    /// No inotify.
    public var polls = false

    public init() {}
  }

  /// Most searches for directories in one look.
  private static let searches = 8

  private let input: String
  private let options: Options
  private var inotify: InotifyDescriptor?
  /// Watched directories by their number.
  private var folders: [Int32: String] = [:]
  private var isTreeStale = true
  private var isRemote = false
  private var isDue = true
  private var nextLook = 0.0
  private var files: SettledFiles
  private var notices: [String] = []

  /// - Parameter input: `input.path` of the recipe.
  public init(_ input: String, _ options: Options = Options()) {
    self.input = input
    self.options = options
    files = SettledFiles(quietSeconds: options.quietSeconds)
    guard !options.polls else {
      files.trustsTimes = false
      return
    }
    do throws(FileError) { inotify = try InotifyDescriptor() } catch { fallBack(error) }
  }

  /// For ``Wakeup/wait(seconds:descriptor:)``: readable when there are events; −1 without inotify.
  public var descriptor: Int32 { inotify?.descriptor ?? -1 }

  /// True when there are no events and only the time tells when to look.
  public var isPolling: Bool { descriptor < 0 }

  /// How many directories are watched.
  public var watchedFolders: Int { folders.count }

  /// What the user should know, once: that inotify could not be had, that the input is on a network.
  public mutating func takeNotices() -> [String] {
    defer { notices = [] }
    return notices
  }

  /// Seconds until ``look(now:)`` is worth a call, if no event comes.
  public func secondsToLook(now: Double = monotonicSeconds()) -> Double {
    if isDue { return 0 }
    return max(0, min(nextLook, files.nextChange ?? .infinity) - now)
  }

  /// Asks for a look at once, whatever the events say.
  public mutating func lookAgain() { isDue = true }

  /// Reads the events and watches directories that are new; never waits. True: call `ShardSet.find` now, and
  /// ``complete(of:now:wall:)`` with what it gives.
  ///
  /// Call it after every wait that the descriptor ended, or the next wait ends at once.
  /// Directories are watched before this returns, so whatever changes behind the back of that search gives an event.
  public mutating func look(now: Double = monotonicSeconds()) -> Bool {
    readEvents()
    if now >= nextLook {
      // Links to directories and file systems can change without an event.
      (isDue, isTreeStale) = (true, true)
    }
    if files.takeChange(at: now) { isDue = true }
    guard isDue else { return false }
    if isTreeStale { watchTree() }
    isDue = false
    nextLook = now + (isPolling || isRemote ? options.pollSeconds : options.rescanSeconds)
    return true
  }

  /// The shards among `found` that are complete, in their order.
  ///
  /// - Parameters:
  ///   - found: all that were found and not taken yet; others are forgotten.
  ///   - now: monotonic seconds.
  ///   - wall: seconds since 1970.
  public mutating func complete(
    of found: [ShardFile], now: Double = monotonicSeconds(), wall: Double = wallSeconds()
  ) -> [ShardFile] {
    files.settled(found.map { ($0.path, $0.status) }, now: now, wall: wall).map { found[$0] }
  }

  // MARK: Events

  private mutating func readEvents() {
    guard let inotify else { return }
    do throws(FileError) {
      for event in try inotify.read() { take(event) }
    } catch {
      // The descriptor is of no use any more.
      fallBack(error)
    }
  }

  private mutating func take(_ event: DirectoryEvent) {
    switch event.kind {
    case .overflow, .tree: (isDue, isTreeStale) = (true, true)
    case .created, .renamed, .written:
      guard !event.name.hasPrefix(".") else { return }
      isDue = true
      guard let folder = folders[event.watch],
        let status = try? FileStatus(path: folder + (folder.hasSuffix("/") ? "" : "/") + event.name)
      else { return }
      // A link to a directory is a tree of its own.
      if status.isDirectory { isTreeStale = true }
      if event.kind == .renamed { files.noteRenamed(status) }
      if event.kind == .written { files.noteWritten(status) }
    }
  }

  /// Watches what ``ShardFolders`` names, and nothing else.
  private mutating func watchTree() {
    isTreeStale = false
    guard let inotify else { return }
    do throws(FileError) {
      var watched: [Int32: String] = [:]
      // A directory that comes between the search and its watch gives no event: search until nothing is new.
      for round in 0..<Self.searches {
        var isNew = false
        for folder in searchFolders() {
          guard let watch = try watch(folder, inotify) else { continue }
          if folders[watch] == nil, watched[watch] == nil { isNew = true }
          watched[watch] = folder
        }
        if !isNew { break }
        if round == Self.searches - 1 { isTreeStale = true }
      }
      for watch in folders.keys where watched[watch] == nil { inotify.remove(watch) }
      folders = watched
      checkRemote()
    } catch {
      fallBack(error)
    }
  }

  /// nil if the directory is gone or closed to us: the next look will tell.
  private func watch(_ folder: String, _ inotify: InotifyDescriptor) throws(FileError) -> Int32? {
    do throws(FileError) { return try inotify.watch(folder) } catch {
      if [ENOENT, ENOTDIR, EACCES, ELOOP].contains(error.errno) { return nil }
      throw error
    }
  }

  /// Errors here come again in `ShardSet.find`, which says them.
  private func searchFolders() -> [String] { (try? ShardFolders.find(input)) ?? Array(folders.values) }

  private mutating func checkRemote() {
    let remote = folders.values.sorted().first { unsafe tamis_is_remote($0) == 1 }
    if let remote, !isRemote {
      notices.append(
        "\(remote): a network file system, which does not tell what other machines write; looking every "
          + "\(Int(options.pollSeconds)) seconds")
    }
    isRemote = remote != nil
    files.trustsTimes = !isRemote
  }

  private mutating func fallBack(_ error: FileError) {
    let limit =
      switch error.errno {
      case ENOSPC: " (the limit is fs.inotify.max_user_watches)"
      case EMFILE: " (the limit is fs.inotify.max_user_instances)"
      default: ""
      }
    notices.append(
      "\(error)\(limit): no events; looking every \(Int(options.pollSeconds)) seconds")
    inotify = nil
    folders = [:]
    files.trustsTimes = false
    isDue = true
  }
}
