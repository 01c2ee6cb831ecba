import Shards

/// A directory to be indexed: its shards, what else is in it, and what of that is in the way.
struct IndexFolder {
  struct Shard: Sendable {
    var name: String
    var size: UInt64
    /// Samples that img2dataset's stats file counts.
    var announced: Int?
  }

  /// By name, bytewise.
  let shards: [Shard]
  /// Whether img2dataset wrote it.
  let isImg2dataset: Bool
  private let names: [String]

  /// - Parameter manifest: of an earlier attempt, which may have written stats files like img2dataset's.
  init(
    _ place: IndexPlace, _ request: Index.Request, _ manifest: PublishManifest?, _ events: EventHandler
  ) throws {
    let directory = place.directory
    if let manifest, manifest.key != PublishManifest.indexKey {
      throw PipelineError(
        .usage,
        "\(place.output): was published by tamis; `publish.sidecars` of its recipe says what is beside the shards"
      )
    }
    let all = try Directory.names(in: directory) ?? []
    let ours = manifest?.files ?? [:]
    names = all.filter { !$0.hasPrefix(".") }
    isImg2dataset = try ShardStats.isOutputFolder(directory, all.filter { ours[$0] == nil })

    var shards: [Shard] = []
    var unfinished: [String] = []
    for name in names where !ShardSet.suffix(of: name).isEmpty {
      guard let status = try FileStatus(path: directory + "/" + name), status.isRegular else { continue }
      var shard = Shard(name: name, size: status.size)
      if isImg2dataset {
        let stats = Sidecar.stats.fileName(ofShard: name)!
        if names.contains(stats), ShardStats.isStatsName(stats), ours[stats] == nil {
          do { shard.announced = try ShardStats.successes(directory + "/" + stats) } catch let fault
            as ShardFault
          {
            throw PipelineError(.badData, "\(directory): \(fault.message)")
          }
        } else {
          unfinished.append(name)
        }
      }
      shards.append(shard)
    }
    self.shards = shards
    guard !shards.isEmpty else {
      throw PipelineError(.badData, "\(directory): no shards (*.tar, *.tar.gz, *.tar.zst) lie in it")
    }
    if let first = unfinished.first {
      throw PipelineError(
        .badData,
        "\(directory): img2dataset has not finished \(first)\(Self.others(unfinished.count)): no _stats.json yet"
      )
    }
    let stems = Dictionary(grouping: shards) { ShardSet.stem(of: $0.name) }
    if let twins = stems.values.filter({ $0.count > 1 }).min(by: { $0[0].name < $1[0].name }) {
      throw PipelineError(
        .usage, "\(directory): \(twins[0].name) and \(twins[1].name) would share their sidecars")
    }
    if isImg2dataset, place.root == nil {
      events(
        .notice(
          "\(directory): an img2dataset folder, which img2dataset cannot resume once sizes.json is in it;"
            + " `-o DIR` writes the sidecars elsewhere"))
    }
  }

  private static func others(_ count: Int) -> String { count > 1 ? " and \(count - 1) more" : "" }

  /// What is to be written: what was asked for, or all that apply.
  ///
  /// - Throws: ``PipelineError`` (usage) when a file of someone else is in the way.
  func wanted(
    _ request: Index.Request, _ directory: borrowing SidecarDirectory, _ events: EventHandler
  ) throws -> Set<Sidecar> {
    var wanted = Set(request.sidecars ?? Sidecar.standard)
    // img2dataset's own are the truth about its shards.
    if isImg2dataset { wanted.remove(.stats) }
    guard !request.replaces else { return wanted }
    let card = Sidecar.card.fileName!
    if request.sidecars == nil, try directory.isForeign(card) {
      wanted.remove(.card)
      events(.notice("\(card) is there and stays as it is; `--replace` writes a data card over it"))
    }
    var inTheWay: [String] = []
    for sidecar in Sidecar.allCases where wanted.contains(sidecar) {
      let files = sidecar.fileName.map { [$0] } ?? shards.compactMap { sidecar.fileName(ofShard: $0.name) }
      for file in files where try directory.isForeign(file) { inTheWay.append(file) }
    }
    if try directory.isForeign(PublishManifest.file) { inTheWay.append(PublishManifest.file) }
    guard let first = inTheWay.first else { return wanted }
    throw PipelineError(
      .usage,
      "\(directory.path)/\(first)\(Self.others(inTheWay.count)): not written by tamis, or changed since;"
        + " `--replace` overwrites, `--sidecars` leaves out")
  }

  /// Stages all files.
  func stage(
    _ wanted: Set<Sidecar>, _ result: IndexedShards, _ place: IndexPlace,
    in directory: inout SidecarDirectory,
    _ events: EventHandler
  ) throws {
    let listing = ShardListing(shards: result.shards, root: place.root)
    for (shard, hasIndex) in zip(result.shards, result.hasIndex) {
      if hasIndex { try directory.stage(written: Sidecar.index.fileName(ofShard: shard.name)!) }
      if wanted.contains(.stats) {
        let name = Sidecar.stats.fileName(ofShard: shard.name)!
        try directory.stage(StatsFile.bytes(samples: shard.samples), as: name)
      }
    }
    let suffixes = Set(result.shards.map { ShardSet.suffix(of: $0.name) })
    if wanted.contains(.wids) {
      if result.compressions == ["none"] {
        try directory.stage(try WidsIndex.bytes(listing), as: Sidecar.wids.fileName!)
      } else {
        events(.notice("\(Sidecar.wids.fileName!): left out, wids reads plain tars only"))
      }
    }
    if wanted.contains(.card) {
      let suffix = suffixes.count == 1 ? suffixes.first : nil
      let card = DataCard(
        listing: listing, format: .tar(suffix: suffix), sidecars: written(wanted, result),
        fields: result.fields)
      try directory.stage(card.bytes(), as: Sidecar.card.fileName!)
    }
    if wanted.contains(.subset) { try directory.stage(written: Sidecar.subset.fileName!) }
    if wanted.contains(.sizes) {
      try directory.stage(try SizesFile.bytes(listing), as: Sidecar.sizes.fileName!)
    }
    if wanted.contains(.length) {
      try directory.stage(LengthFile.bytes(listing), as: Sidecar.length.fileName!)
    }

    var manifest = PublishManifest(
      key: PublishManifest.indexKey, Recipe.Publish(), shards: result.shards, nil, [:])
    manifest.compress = result.compressions.count == 1 ? result.compressions.first! : "mixed"
    manifest.files = directory.entries
    manifest.root = place.root
    try directory.stage(try JSON.file(manifest), as: PublishManifest.file)
    if wanted.contains(.sums) {
      try directory.stage(try sums(listing, place, directory), as: Sidecar.sums.fileName!)
    }
  }

  /// What a data card may speak of.
  private func written(_ wanted: Set<Sidecar>, _ result: IndexedShards) -> Set<Sidecar> {
    result.compressions == ["none"] ? wanted : wanted.subtracting([.wids, .index])
  }

  /// `SHA256SUMS` over shards, staged files, and whatever else lies where the sidecars go.
  private func sums(
    _ listing: ShardListing, _ place: IndexPlace, _ directory: borrowing SidecarDirectory
  ) throws -> [UInt8] {
    var files: [String: String] = [:]
    for name in try Directory.names(in: place.output) ?? [] where !name.hasPrefix(".") {
      files[name] = ""
    }
    for name in try directory.outdated() + [Sidecar.sums.fileName!] { files[name] = nil }
    for (name, entry) in directory.entries { files[name] = entry.sha256 }
    for shard in listing.shards { files[listing.path(of: shard.name)] = shard.sha256 }
    for name in files.keys where files[name] == "" {
      let path = place.output + "/" + name
      files[name] = try FileStatus(path: path)?.isRegular == true ? try FileDigest(path: path).sha256 : nil
    }
    return ChecksumFile.bytes(files)
  }
}
