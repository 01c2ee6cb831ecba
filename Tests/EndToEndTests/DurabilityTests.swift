import Foundation
import Testing

@Suite struct DurabilityTests {
  @Test(
    "every committed file is synced, renamed, and its directory synced, in this order",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "strace is not installed"))
  func syncRenameSync() throws {
    let folder = try TemporaryFolder()
    let recipe = try folder.addSamples()
    let trace = folder.path + "/trace"
    let calls = "trace=fsync,fdatasync,rename,renameat2"
    let traced = try run(
      "/usr/bin/strace", ["-f", "-y", "-e", calls, "-o", trace, Repository.tamis, "run", recipe, "-q"])
    #expect(traced.status == 0, "\(traced.errors)")
    let checked = try run(Repository.python, [Repository.oracle("durable_writes.py"), trace, folder.path])
    let renames = Int(checked.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    // Four column directories, two quarantine tars with reasons, five shards, sidecars, OUT itself, the state.
    #expect(renames >= 18, "\(checked.output)\(checked.errors)")
  }
}
