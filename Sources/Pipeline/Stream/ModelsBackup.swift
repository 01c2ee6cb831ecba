import Shards

/// The models of the plan in force while a next one is fitted over them, so that they can be put back: what they were
/// fitted on may be gone by then. Files are second names of the models', which are never changed in place.
enum ModelsBackup {
  private static func path(_ workspace: String) -> String { workspace + "/.models.before" }

  /// Puts the models aside, unless a killed process has.
  static func make(_ workspace: String) throws {
    let path = path(workspace)
    guard try FileStatus(path: path) == nil else { return }
    let directory = try AtomicDirectory(path: path)
    try link(workspace + "/models", to: directory.temporary + "/models")
    if let manifest = try readFile(workspace + "/verdicts/manifest.json") {
      try directory.write(manifest, as: "manifest.json")
    }
    try directory.commit()
  }

  /// Puts them back; may be done again after a kill.
  static func restore(_ workspace: String) throws {
    let path = path(workspace)
    guard try FileStatus(path: path) != nil else { return }
    if let manifest = try readFile(path + "/manifest.json") {
      try AtomicFile.write(manifest, to: workspace + "/verdicts/manifest.json")
    }
    let directory = try AtomicDirectory(path: workspace + "/models")
    try link(path + "/models", to: directory.temporary)
    try directory.commit()
  }

  static func remove(_ workspace: String) throws { try Directory.remove(path(workspace)) }

  private static func link(_ source: String, to target: String) throws {
    try Directory.create(target)
    for name in try Directory.names(in: source) ?? [] {
      let (old, new) = (source + "/" + name, target + "/" + name)
      if try FileStatus(path: old)?.isDirectory == true {
        try link(old, to: new)
      } else if !Directory.link(old, as: new) {
        try AtomicFile.copy(File(path: old, .read), to: new)
      }
    }
    try Directory.sync(target)
  }
}
