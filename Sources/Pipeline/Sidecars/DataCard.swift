import Prune
import Shards

/// `README.md`: what the directory holds, why, and how to open it, with the front matter that makes
/// `datasets.load_dataset(DIR)` find the shards and nothing else.
///
/// It depends on the samples and the recipe alone: no clock time, host, path, thread count.
struct DataCard {
  /// What the shards are.
  enum Format: Sendable, Equatable {
    /// `suffix`: `.tar`, `.tar.gz`, `.tar.zst`; nil for a mixture.
    case tar(suffix: String?)
    case mds
    /// Tars of added fields in step with the input's shards.
    case columns(suffix: String)
    /// One directory or file of arrays for each shard.
    case arrays
  }

  /// Where the samples come from.
  struct Account: Encodable, Equatable {
    /// Samples read.
    var read = 0
    /// Rejected while reading, by reject code.
    var rejected: [String: Int] = [:]
    /// Dropped by pruning, by reason.
    var dropped: [String: Int] = [:]
    /// The recipe in force as YAML (``CardRecipe``).
    var recipe: String

    /// Of what the columns and verdicts of a workspace say.
    init(_ recipe: Recipe, _ shards: [IngestedShard], _ workspace: borrowing Workspace) throws {
      self.recipe = try CardRecipe.text(recipe)
      let isPruned = try PruneStage.manifest(in: workspace.path) != nil
      for shard in shards {
        read += shard.manifest.samples
        rejected.merge(shard.manifest.rejected, uniquingKeysWith: +)
        guard isPruned else { continue }
        for verdict in try VerdictFile.read(workspace.path + "/verdicts/\(shard.name).npy")
        where !verdict.kept {
          dropped["\(verdict.reason)", default: 0] += 1
        }
      }
    }

    /// Of a stream so far.
    init(_ recipe: Recipe, _ totals: StreamTotals) throws {
      self.recipe = try CardRecipe.text(recipe)
      (read, rejected, dropped) = (totals.read, totals.rejected, totals.dropped)
    }
  }

  var listing: ShardListing
  var format: Format
  /// What is beside the shards.
  var sidecars: Set<Sidecar>
  /// Samples that have each field, where that is known.
  var fields: [String: Int] = [:]
  /// nil for shards made by others.
  var account: Account?

  func bytes() -> [UInt8] {
    let parts = [frontMatter, title, contents, selection, opening, origin, recipe]
    return Array((parts.compactMap { $0 }.joined(separator: "\n\n") + "\n").utf8)
  }

  private var isTar: Bool { if case .tar = format { true } else { false } }

  // MARK: What Hugging Face reads

  private var frontMatter: String {
    var lines = ["---", "size_categories:", "- \(Self.sizeCategory(listing.samples))", "tags:"]
    lines += (isTar ? ["- webdataset"] : format == .mds ? ["- mosaicml-streaming"] : []) + ["- tamis"]
    if case .tar(let suffix) = format {
      let paths =
        (suffix.map { [$0] } ?? Array(Set(listing.shards.map { ShardSet.suffix(of: $0.name) })).sorted())
        .map { listing.path(of: "*" + $0) }
      lines += ["configs:", "- config_name: default", "  data_files:", "  - split: train"]
      lines +=
        paths.count == 1 ? ["    path: \"\(paths[0])\""] : ["    path:"] + paths.map { "    - \"\($0)\"" }
    }
    return (lines + ["---"]).joined(separator: "\n")
  }

  /// The hub's name for a number of samples.
  static func sizeCategory(_ samples: Int) -> String {
    let names = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    var limit = 1000
    for (index, name) in names.enumerated() {
      if samples < limit { return index == 0 ? "n<1K" : "\(names[index - 1])<n<\(name)" }
      limit *= 10
    }
    return "n>1T"
  }

  // MARK: What people read

  private var title: String {
    "# \(Self.count(listing.samples, "sample")) in \(Self.count(listing.shards.count, "shard"))"
  }

  private var contents: String {
    let form =
      switch format {
      case .tar(".tar"): "WebDataset shards, plain tar"
      case .tar(let suffix?): "WebDataset shards, `\(suffix)`"
      case .tar(nil): "WebDataset shards, plain and compressed"
      case .columns(let suffix):
        "Column shards, `\(suffix)`: one for each input shard, with its keys in its order"
      case .mds: "MDS shards (StreamingDataset)"
      case .arrays: "NumPy arrays, row for row"
      }
    let hashes = (sidecars.contains(.sums) ? ["`SHA256SUMS`"] : []) + ["`MANIFEST.json`"]
    var text = "\(form): \(listing.bytes) bytes. \(hashes.joined(separator: " and "))"
    text += (hashes.count == 1 ? " holds" : " hold") + " the hash of every shard"
    text += sidecars.contains(.sizes) ? "; `sizes.json` the samples of each." : "."
    guard !fields.isEmpty else { return text }
    let rows = fields.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .map { "| `\($0.key)` | \($0.value) |" }
    return text + "\n\n| field | samples that have it |\n|---|---|\n" + rows.joined(separator: "\n")
  }

  private var selection: String? {
    guard let account else { return nil }
    let rejected = account.rejected.values.reduce(0, +)
    let dropped = account.dropped.values.reduce(0, +)
    var rows = ["| read | \(account.read) | |"]
    for code in RejectCode.allCases {
      if let number = account.rejected[code.rawValue], number > 0 {
        rows.append("| rejected | \(number) | `\(code.rawValue)` |")
      }
    }
    for reason in [Reason.filter, .domain, .duplicate, .score, .reference, .quota] {
      if let number = account.dropped["\(reason)"], number > 0 {
        rows.append("| dropped | \(number) | \(Self.words(reason)) |")
      }
    }
    rows.append("| **kept** | **\(account.read - rejected - dropped)** | |")
    return """
      ## What was kept, and why

      | | samples | |
      |---|---|---|
      \(rows.joined(separator: "\n"))

      Rejected: could not be read or decoded. Dropped: decided by the recipe's `prune` section.\(columnsNote)
      """
  }

  private var columnsNote: String {
    guard case .columns = format else { return "" }
    return " All of them are in the columns; `verdict.json` says what became of each."
  }

  private static func words(_ reason: Reason) -> String {
    switch reason {
    case .kept: "kept"
    case .duplicate: "near-duplicate of a sample that stays (`duplicate`)"
    case .score: "image and caption match too little (`score`)"
    case .quota: "beyond the quota of its concept (`quota`)"
    case .reference: "too near to, or too far from, the reference images (`reference`)"
    case .domain: "outside the wanted domain (`domain`)"
    case .filter: "the filter is false (`filter`)"
    }
  }

  private var opening: String {
    switch format {
    case .tar(let suffix): "## Opening it\n\n" + tarReaders(suffix)
    case .columns:
      """
      ## Opening it

      Read in step with the input's shards, by webdataset's recipe for column stores: the shard of the same name has the
      same keys in the same order.
      """
    case .mds:
      """
      ## Opening it

      ```python
      from streaming import StreamingDataset  # mosaicml-streaming
      data = StreamingDataset(remote="DIR", local="UNPACKED", batch_size=1, shuffle=False)
      ```
      """
    case .arrays:
      """
      ## Opening it

      ```python
      import numpy
      numpy.load("DIR/FILE.npy", mmap_mode="r")  # row i belongs to line i of keys.txt beside it
      ```
      """
    }
  }

  private func tarReaders(_ suffix: String?) -> String {
    let names = listing.braces ?? suffix.map { "*" + $0 } ?? "*.tar*"
    let urls = "DIR/" + listing.path(of: names)
    guard suffix != nil, suffix != ".tar.zst" else {
      return """
        Most trainers open plain and gzip tars only; `tamis cat SHARD`, or `zstd -dc SHARD`, writes the plain one:

        ```python
        import glob, webdataset as wds
        urls = [f"pipe:zstd -dc {path}" for path in sorted(glob.glob("DIR/\(listing.path(of: "*.tar.zst"))"))]
        data = wds.WebDataset(urls, shardshuffle=False).decode("pil")
        ```
        """
    }
    let list = listing.braces == nil ? "sorted(__import__(\"glob\").glob(\"\(urls)\"))" : "\"\(urls)\""
    var further = ["OpenCLIP: `--dataset-type webdataset --train-data '\(urls)'`"]
    if sidecars.contains(.sizes) { further[0] += "; the number of samples comes from `sizes.json`" }
    if sidecars.contains(.index) {
      further.append(
        "DALI: `fn.readers.webdataset(paths=..., index_paths=...)` with the `.idx` of each shard")
    }
    if sidecars.contains(.wids) { further.append("wids: `wids.ShardListDataset(\"DIR/shardindex.json\")`") }
    return """
      ```python
      import webdataset as wds
      data = wds.WebDataset(\(list), shardshuffle=False).decode("pil")

      from datasets import load_dataset
      data = load_dataset("DIR", split="train", streaming=True)
      ```

      \(further.joined(separator: ". ")).
      """
  }

  private var origin: String {
    let how =
      account == nil ? "indexed by `tamis index`; the shards were made by others" : "published by tamis"
    return "## Origin\n\nVersion \(tamisVersion): \(how)."
  }

  private var recipe: String? {
    account.map { "The recipe, defaults filled in, files by their last name:\n\n```yaml\n\($0.recipe)```" }
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
