import Foundation
import Testing

/// What of `packaging/` can be tried without building a package.
@Suite struct PackagingTests {
  private static let analyzer = "/usr/bin/systemd-analyze"

  @Test(
    "systemd has nothing against the unit",
    .enabled(if: FileManager.default.fileExists(atPath: analyzer)))
  func unit() throws {
    let folder = try TemporaryFolder()
    let unit = try String(
      contentsOfFile: Repository.root + "/packaging/tamis.service", encoding: .utf8)
    #expect(unit.contains("ExecStart=/usr/bin/tamis serve /etc/tamis/recipe.yaml "))
    let path = try folder.write(
      "tamis.service",
      unit.replacingOccurrences(
        of: "ExecStart=/usr/bin/tamis", with: "ExecStart=\(Repository.tamis)"))
    let verified = try run(Self.analyzer, ["verify", "--man=no", path])
    #expect(verified.status == 0 && verified.errors.isEmpty, "\(verified.output)\(verified.errors)")
  }

  @Test("The service's recipe is one")
  func recipe() throws {
    let check = try tamis("recipe", "check", Repository.root + "/packaging/recipe.yaml")
    #expect(check.status == 0, "\(check.output)\(check.errors)")
  }

  @Test(
    "Completions are made, and each shell that is here reads its own",
    arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) throws {
    let folder = try TemporaryFolder()
    let script = try tamis("--generate-completion-script", shell)
    #expect(script.status == 0 && script.output.contains("quarantine"))
    let path = try folder.write("completion", script.output)
    guard
      let program = ["/bin/\(shell)", "/usr/bin/\(shell)"].first(
        where: FileManager.default.fileExists)
    else {
      return
    }
    let read = try run(program, ["-n", path])
    #expect(read.status == 0, "\(read.errors)")
  }

  @Test("The maintainer scripts are shell, and the changelog is about this version")
  func scripts() throws {
    for script in ["postinst", "prerm", "postrm"] {
      #expect(
        try run("/bin/sh", ["-n", Repository.root + "/packaging/debian/" + script]).status == 0)
    }
    #expect(try run("/bin/bash", ["-n", Repository.root + "/packaging/build-deb"]).status == 0)
    let changelog = try String(
      contentsOfFile: Repository.root + "/packaging/debian/changelog", encoding: .utf8)
    let version = try #require(
      try tamis("--version").output.split(whereSeparator: \.isWhitespace).first {
        $0.first!.isNumber
      })
    #expect(changelog.hasPrefix("tamis (\(version)) "), "\(version)")
  }
}
