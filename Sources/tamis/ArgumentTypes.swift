public import Algebra
public import ArgumentParser
public import Decode
public import Features
public import Pipeline
public import Prune

extension Standardization: ExpressibleByArgument {}
extension ComponentBasis.Kind: ExpressibleByArgument {}
extension ComponentMasker.Rule: ExpressibleByArgument {}
extension PruneSettings.Rule: ExpressibleByArgument {}
extension PruneSettings.Concepts.QuotaRule: ExpressibleByArgument {}

/// A size such as `2GiB` on the command line.
struct ByteSizeArgument: ExpressibleByArgument, Decodable {
  var bytes: Int
  init(bytes: Int) { self.bytes = bytes }
  init?(argument: String) {
    guard let bytes = ByteSize.parse(argument), bytes > 0 else { return nil }
    self.bytes = bytes
  }
  var defaultValueDescription: String { ByteSize.text(bytes) }
}

/// A number of clusters, or `auto`.
struct ClusterCount: ExpressibleByArgument, Decodable {
  var number: Int?
  init?(argument: String) {
    if argument == "auto" { return }
    guard let number = Int(argument) else { return nil }
    self.number = number
  }
}

extension ComponentMasker.Mode: ExpressibleByArgument {}
extension Recipe.MaskScope: ExpressibleByArgument {}
extension Recipe.MaskTarget: ExpressibleByArgument {}
extension Recipe.FieldType: ExpressibleByArgument {}
extension ImagePreset: ExpressibleByArgument {}
extension OnnxDevice: ExpressibleByArgument {
  public init?(argument: String) { self.init(name: argument) }
}
extension TokenPooling: ExpressibleByArgument {}
extension TextPooling: ExpressibleByArgument {}
extension ThumbnailFit: ExpressibleByArgument {}
extension ResampleFilter: ExpressibleByArgument {}
extension Recipe.Domain.Ambiguous: ExpressibleByArgument {}
extension Recipe.PatchKind: ExpressibleByArgument {}

/// Three numbers, of red, green and blue, with commas between.
struct ChannelValues: ExpressibleByArgument, Decodable {
  var values: [Double]
  init?(argument: String) {
    values = argument.split(separator: ",", omittingEmptySubsequences: false)
      .compactMap { Double($0) }.filter(\.isFinite)
    guard values.count == 3, argument.filter({ $0 == "," }).count == 2 else { return nil }
  }
}
