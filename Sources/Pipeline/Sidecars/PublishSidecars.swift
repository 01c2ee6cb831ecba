import Shards

/// Sidecars of shards that get more: those of one shard are made once.
final class GrowingSidecars {
  /// Directory of the shards' uids.
  let uids: String
  /// Of each shard's own sidecars.
  fileprivate(set) var entries: [String: [String: ColumnManifest.FileEntry]] = [:]

  init(uids: String) { self.uids = uids }
}

/// The sidecars of a publish: which ones its format has, and their writing into the staging directory.
struct PublishSidecars {
  private let wanted: Set<Sidecar>
  private let isPlainTar: Bool
  private let suffix: String
  /// What was asked for by name and cannot be.
  let notices: [String]

  init(_ publish: Recipe.Publish) {
    let applying: Set<Sidecar>
    isPlainTar = publish.format == .webdataset && publish.compress == .none
    switch publish.format {
    case .webdataset: applying = Set(Sidecar.allCases).subtracting(isPlainTar ? [] : [.index, .wids])
    case .mds: applying = [.sums, .card, .subset]
    case .npy, .columns: applying = [.sums, .card]
    }
    suffix = "." + publish.compress.tarExtension
    wanted = applying.intersection(publish.sidecars ?? Sidecar.standard)
    let refused = (publish.sidecars ?? []).filter {
      !applying.contains($0) && publish.sidecars != Sidecar.allCases
    }
    notices = refused.map {
      let form = publish.format.rawValue + (publish.compress == .none ? "" : " \(publish.compress.text)")
      return "publish.sidecars: there is no \($0.rawValue) of \(form), it is left out"
    }
  }

  func wants(_ sidecar: Sidecar) -> Bool { wanted.contains(sidecar) }

  /// Writes all of them and the manifest; the `.idx` and the uids of each shard are there already.
  ///
  /// - Parameters:
  ///   - manifest: gets the list of the other files.
  ///   - files: small files that the format itself has.
  ///   - fields: of the samples, by name.
  ///   - pictures: those of which a sample has one, where they are several.
  ///   - account: for the data card.
  ///   - growing: of a stream, whose shards get more: where their uids are, and what is known of its files.
  func write(
    _ manifest: inout PublishManifest, _ files: [String: [UInt8]], fields: [String],
    pictures: [String], _ account: DataCard.Account?, staging: String, growing: GrowingSidecars? = nil
  ) throws {
    var entries: [String: ColumnManifest.FileEntry] = [:]
    func write(_ bytes: [UInt8], as name: String) throws {
      try AtomicFile.write(bytes, to: staging + "/" + name)
      entries[name] = .init(bytes: UInt64(bytes.count), sha256: sha256(bytes))
    }
    for (name, bytes) in files.sorted(by: { $0.key < $1.key }) { try write(bytes, as: name) }

    let listing = ShardListing(shards: manifest.shards)
    for shard in manifest.shards {
      if let known = growing?.entries[shard.name] {
        entries.merge(known) { $1 }
        continue
      }
      let before = Set(entries.keys)
      if wants(.stats) {
        try write(StatsFile.bytes(samples: shard.samples), as: Sidecar.stats.fileName(ofShard: shard.name)!)
      }
      if wants(.index) {
        let name = Sidecar.index.fileName(ofShard: shard.name)!
        entries[name] = try .init(path: staging + "/" + name)
      }
      if let growing { growing.entries[shard.name] = entries.filter { !before.contains($0.key) } }
    }
    if wants(.wids) { try write(try WidsIndex.bytes(listing), as: Sidecar.wids.fileName!) }
    if wants(.subset) {
      let name = Sidecar.subset.fileName!
      try ShardUids.merge(
        of: manifest.shards.map(\.name), in: growing?.uids ?? staging, to: staging + "/" + name,
        isGrowing: growing != nil)
      entries[name] = try .init(path: staging + "/" + name)
    }
    if wants(.sizes) { try write(try SizesFile.bytes(listing), as: Sidecar.sizes.fileName!) }
    if wants(.length) { try write(LengthFile.bytes(listing), as: Sidecar.length.fileName!) }
    if wants(.card) {
      let card = DataCard(
        listing: listing, format: format(manifest), sidecars: wanted,
        fields: names(fields, pictures, manifest, listing), account: account)
      try write(card.bytes(), as: Sidecar.card.fileName!)
    }
    manifest.files = entries
    let bytes = try JSON.file(manifest)
    try AtomicFile.write(bytes, to: staging + "/" + PublishManifest.file)
    if wants(.sums) {
      var sums = entries.mapValues(\.sha256)
      sums[PublishManifest.file] = sha256(bytes)
      for (name, hash) in manifest.shardHashes { sums[name] = hash }
      try AtomicFile.write(ChecksumFile.bytes(sums), to: staging + "/" + Sidecar.sums.fileName!)
    }
  }

  private func format(_ manifest: PublishManifest) -> DataCard.Format {
    switch Recipe.Publish.Format(rawValue: manifest.format) {
    case .mds: .mds
    case .npy: .arrays
    case .columns: .columns(suffix: suffix)
    default: .tar(suffix: suffix)
    }
  }

  /// All published samples have the same fields.
  private func names(
    _ fields: [String], _ pictures: [String], _ manifest: PublishManifest, _ listing: ShardListing
  ) -> [String: Int] {
    var all = Set(fields).union((manifest.fields ?? [:]).keys)
    if pictures.count > 1 { all = all.subtracting(pictures).union([pictures.joined(separator: "` or `")]) }
    return Dictionary(uniqueKeysWithValues: all.map { ($0, listing.samples) })
  }
}

extension PublishManifest {
  /// Path below the shards' directory → SHA-256, for every file of every shard.
  var shardHashes: [String: String] {
    var hashes: [String: String] = [:]
    for shard in shards {
      if let files = shard.files {
        for (name, entry) in files {
          hashes[(shard.name == "." ? "" : shard.name + "/") + name] = entry.sha256
        }
      } else {
        hashes[shard.name] = shard.sha256
      }
    }
    return hashes
  }
}
