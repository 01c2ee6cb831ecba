import Foundation
import Pipeline
import Synchronization
import TestSupport
import Testing

@Suite struct FitResumeTests {
  private func recipe() -> Recipe {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    var recipe = Recipe()
    recipe.input.path = root.path + "/samples/shards"
    recipe.features.thumbnail.size = 8
    recipe.features.image = .pixels
    return recipe
  }

  private func models(_ folder: borrowing TemporaryDirectory) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    let path = folder.path + "/models/pca/"
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      files[name] = try contents(of: path + name)
    }
    return files
  }

  @Test("A fit that was killed goes on from its saved sums, with the same bits")
  func goesOn() throws {
    let folder = try TemporaryDirectory()
    let state = folder.path + "/models/.pca-partial"
    let kept = folder.path + "/kept"
    let recipe = recipe()
    do {
      let workspace = try Workspace(path: folder.path)
      _ = try Ingest.run(recipe, in: workspace) { _ in }
      // What a kill after the last save would leave.
      _ = try Fit.run(recipe, in: workspace, saveEvery: 100) { event in
        guard case .progress = event, FileManager.default.fileExists(atPath: state) else { return }
        try? FileManager.default.removeItem(atPath: kept)
        try? FileManager.default.copyItem(atPath: state, toPath: kept)
      }
    }
    #expect(!FileManager.default.fileExists(atPath: state), "removed when the basis is there")
    let saved = try #require(
      JSONSerialization.jsonObject(with: Data(contents(of: kept + "/manifest.json"))) as? [String: Any])
    let count = try #require(saved["samples"] as? Int)
    #expect(count >= 100 && count < 497)
    let expected = try models(folder)
    #expect(expected.count == 9)

    for damage in [nil, "sums.npy", "products.npy", "manifest.json"] {
      try FileManager.default.removeItem(atPath: folder.path + "/models/pca")
      try FileManager.default.copyItem(atPath: kept, toPath: state)
      if let damage { try Data([0]).write(to: URL(filePath: "\(state)/\(damage)")) }
      let first = Mutex<Int?>(nil)
      let workspace = try Workspace(path: folder.path)
      _ = try Fit.run(recipe, in: workspace) { event in
        if case .progress(let samples, _) = event { first.withLock { $0 = $0 ?? samples } }
      }
      let began = try #require(first.withLock { $0 })
      #expect(damage == nil ? began > count : began <= 256, "a damaged state is left aside")
      #expect(try models(folder) == expected)
      #expect(!FileManager.default.fileExists(atPath: state))
    }
  }

  @Test("The sums of other thumbnails are not used")
  func otherThumbnails() throws {
    let folder = try TemporaryDirectory()
    let other = try TemporaryDirectory()
    var recipe = recipe()
    let state = folder.path + "/models/.pca-partial"
    do {
      let workspace = try Workspace(path: folder.path)
      _ = try Ingest.run(recipe, in: workspace) { _ in }
      let target = other.path + "/models"
      _ = try Fit.run(recipe, in: workspace, saveEvery: 100) { event in
        guard case .progress = event, FileManager.default.fileExists(atPath: state) else { return }
        try? FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try? FileManager.default.copyItem(atPath: state, toPath: target + "/.pca-partial")
      }
    }
    recipe.input.match = "0000{1,2,3}.tar"
    let workspace = try Workspace(path: other.path)
    _ = try Ingest.run(recipe, in: workspace) { _ in }
    #expect(FileManager.default.fileExists(atPath: other.path + "/models/.pca-partial"))
    _ = try Fit.run(recipe, in: workspace) { _ in }
    let fewer = try models(other)

    let fresh = try TemporaryDirectory()
    let third = try Workspace(path: fresh.path)
    _ = try Ingest.run(recipe, in: third) { _ in }
    _ = try Fit.run(recipe, in: third) { _ in }
    #expect(try models(fresh) == fewer)
    #expect(try models(folder) != fewer)
  }
}
