import Foundation
import Testing

/// `tamis domain` and `prune --domain`, beside NumPy and scikit-learn.
@Suite struct DomainTests {
  /// Arrays with labels, see oracle/domains.py.
  private func arrays() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.expectOracle("domains.py", ["make", "%"])
    return folder
  }

  @discardableResult
  private func domain(_ folder: TemporaryFolder, _ arguments: String) throws -> CommandResult {
    try run(
      Repository.tamis,
      ["domain"] + arguments.split(separator: " ").map { $0.replacingOccurrences(of: "%", with: folder.path) }
    )
  }

  private static let train = "train --embeddings %/image.npy --keys %/keys.txt"

  @Test(
    "weights are scikit-learn's, thresholds the smallest that reach the bound",
    arguments: [
      ("labels.tsv", "", "10 natural,rendition,sketch"), ("two.tsv", "--c 0.5 -j 2", "0.5 natural,rest"),
      (
        "labels.tsv", "--c 100 --precision 0.9 --held-out 0.4 --classes sketch,natural,rendition",
        "100 sketch,natural,rendition 0.9 0.4"
      ),
    ])
  func training(labels: String, flags: String, oracle: String) throws {
    let folder = try arrays()
    let result = try domain(folder, "\(Self.train) --labels %/\(labels) \(flags) -o %/head.npz")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("Trained on ") && result.output.contains("95 % bound"))
    try folder.expectOracle(
      "domains.py", ["head", "%", "%/head.npz"] + oracle.split(separator: " ").map(String.init))
    let shown = try domain(folder, "show %/head.npz")
    #expect(shown.status == 0 && shown.output.contains("of rows of 32 values"), "\(shown.errors)")
  }

  @Test("the same head from any order of rows and labels, any number of threads, numbers or names")
  func sameHead() throws {
    let folder = try arrays()
    let others = [
      "train --embeddings %/shuffled.npy --keys %/shuffled.txt --labels %/labels.tsv -j 1",
      "train --embeddings %/shuffled.npy --keys %/shuffled.txt --labels %/labels.tsv -j 5",
      "\(Self.train) --labels %/numbers.npy --classes natural,rendition,sketch",
    ]
    #expect(try domain(folder, "\(Self.train) --labels %/labels.tsv -o %/head.npz").status == 0)
    for other in others {
      let result = try domain(folder, other + " -o %/other.npz")
      #expect(result.status == 0, "\(result.errors)")
      #expect(folder.data("head.npz") == folder.data("other.npz"), "\(other)")
    }
  }

  @Test("what a head keeps of arrays is the NumPy recomputation")
  func prune() throws {
    let folder = try arrays()
    #expect(try domain(folder, "\(Self.train) --labels %/labels.tsv -o %/head.npz").status == 0)
    let cases = [
      ("head", "", "{}"),
      (
        "head", "--domain-keep sketch --domain-keep natural --domain-ambiguous keep",
        #"{"keep":["natural","sketch"],"ambiguous":true}"#
      ),
      (
        "head", "--domain-mix natural=3,rendition=1 --seed 4",
        #"{"mix":{"natural":3,"rendition":1},"seed":4}"#
      ),
      (
        "head", "--domain-mix natural=3,rendition=1,sketch=2 --domain-total 1001 -j 3",
        #"{"mix":{"natural":3,"rendition":1,"sketch":2},"total":1001}"#
      ),
      ("sklearn", "--domain-keep rendition", #"{"keep":["rendition"]}"#),
    ]
    for (index, (head, flags, rule)) in cases.enumerated() {
      try folder.prune("image", "--keys %/keys.txt --domain %/\(head).npz \(flags)", to: "out\(index)")
      try folder.expectOracle("domains.py", ["prune", "%", "%/\(head).npz", "%/out\(index)", rule])
    }
    // Rows of another length are normalised first, as in every stage.
    try folder.prune("long", "--keys %/keys.txt --domain %/head.npz", to: "long")
    #expect(folder.data("long/keep.npy") == folder.data("out0/keep.npy"))
    // Later stages work on what is left.
    try folder.prune(
      "image", "--keys %/keys.txt --domain %/head.npz --keep 0.5 --clusters 5", to: "more")
    let script = """
      import numpy as np, sys
      a, b = (np.load(f'{sys.argv[1]}/{name}/verdicts.npy') for name in ('out0', 'more'))
      assert (b['reason'][~a['kept']] == 5).all() and (b['cluster'][~a['kept']] == -1).all()
      assert b['kept'].sum() == a['kept'].sum() // 2
      """
    let checked = try run(Repository.python, ["-c", script, folder.path])
    #expect(checked.status == 0, "\(checked.errors)")
  }

  @Test("a given head is calibrated on labelled samples")
  func calibrate() throws {
    let folder = try arrays()
    #expect(try domain(folder, "\(Self.train) --labels %/two.tsv -o %/head.npz").status == 0)
    let script = """
      import numpy as np, sys
      h = np.load(sys.argv[1] + '/head.npz')
      np.savez(sys.argv[1] + '/bare.npz', weights=h['weights'][1:] - h['weights'][:1], bias=h['bias'][1:] - h['bias'][:1],
               classes=np.array([b'natural', b'rest']))
      """
    #expect(try run(Repository.python, ["-c", script, folder.path]).status == 0)
    let bare = try domain(folder, "show %/bare.npz")
    #expect(bare.output.contains("natural: claims nothing"))
    let pruned = try tamis(
      "prune", "--image-embeddings", folder.path + "/image.npy", "--domain", folder.path + "/bare.npz", "-o",
      folder.path + "/out")
    #expect(pruned.status == 65 && pruned.errors.contains("tamis domain calibrate"), "\(pruned.errors)")
    let flags = "--embeddings %/image.npy --keys %/keys.txt --labels %/two.tsv"
    let result = try domain(folder, "calibrate %/bare.npz \(flags) --only rest -o %/rest.npz")
    #expect(result.status == 0 && result.output.contains("natural  claims nothing"), "\(result)")
    #expect(try domain(folder, "calibrate %/bare.npz \(flags) -o %/both.npz").status == 0)
    try folder.prune("image", "--keys %/keys.txt --domain %/both.npz", to: "both")
    try folder.expectOracle("domains.py", ["prune", "%", "%/both.npz", "%/both", "{}"])
  }

  @Test("what cannot be done is told: too few labels, wrong labels, heads that do not fit")
  func mistakes() throws {
    let folder = try arrays()
    func expect(_ arguments: String, _ status: Int32, _ message: String) throws {
      let result = try domain(folder, arguments)
      #expect(result.status == status && result.errors.contains(message), "\(arguments): \(result.errors)")
    }
    try expect("\(Self.train) --labels %/few.tsv -o %/h.npz", 65, "it takes about 189 held-out samples")
    try folder.write("unknown.tsv", "k000001\ta\nnobody\tb\n")
    try expect("\(Self.train) --labels %/unknown.tsv -o %/h.npz", 65, "1 labels are of keys that")
    try folder.write("twice.tsv", "k000001\ta\nk000001\tb\n")
    try expect("\(Self.train) --labels %/twice.tsv -o %/h.npz", 65, "labelled twice")
    try folder.write("broken.tsv", "k000001 a\n")
    try expect(
      "\(Self.train) --labels %/broken.tsv -o %/h.npz", 65, "line 1: expected a key, a tab and a class")
    try folder.write("one.tsv", "k000001\ta\nk000002\ta\n")
    try expect("\(Self.train) --labels %/one.tsv -o %/h.npz", 65, "two classes at least")
    try folder.write("tiny.tsv", "k000001\ta\nk000002\tb\n")
    try expect("\(Self.train) --labels %/tiny.tsv -o %/h.npz", 65, "too few to train on some")
    try expect("\(Self.train) --labels %/numbers.npy -o %/h.npz", 2, "--classes")
    try expect("\(Self.train) --labels %/numbers.npy --classes a,b -o %/h.npz", 65, "there is no class 2")
    try expect("\(Self.train) --labels %/labels.tsv --precision 1 -o %/h.npz", 2, "--precision")
    try expect("\(Self.train) --labels %/labels.tsv --floor 1 -o %/h.npz", 2, "--floor")
    try expect("\(Self.train) --labels %/labels.tsv --only paint -o %/h.npz", 65, "no class 'paint'")
    try expect("train --labels %/labels.tsv -o %/h.npz", 2, "either --embeddings or --workspace")
    #expect(folder.data("h.npz") == nil)
    let script = """
      import numpy as np, sys
      def save(name, classes=['a', 'b'], **change):
          arrays = dict(weights=np.ones((2, 32), 'f4'), bias=np.zeros(2, 'f4'), thresholds=np.full(2, 0.5),
                        classes=np.array(classes)) | change
          np.savez(f'{sys.argv[1]}/{name}.npz', **{k: v for k, v in arrays.items() if v is not None})
      save('objects', classes=np.array(['a', 'b'], object))
      save('nan', weights=np.full((2, 32), np.nan))
      save('shape', weights=np.ones((3, 32)))
      save('integers', weights=np.ones((2, 32), 'i4'))
      save('wide', weights=np.ones((2, 33)))
      save('same', classes=['a', 'a'])
      save('nothing', weights=None)
      """
    #expect(try run(Repository.python, ["-c", script, folder.path]).status == 0)
    for (head, message) in [
      ("objects", "an object array"), ("nan", "NaN"), ("shape", "2 classes, weights of shape"),
      ("integers", "the dtype is '<i4'"), ("same", "two classes are named 'a'"),
      ("nothing", "the array 'weights' is missing"),
    ] {
      try expect("show %/\(head).npz", 65, message)
    }
    try expect("show %/image.npy", 65, "image.npy")
    try expect("show %/nowhere.npz", 2, "no such file")
    for (flags, message) in [
      ("--domain %/wide.npz", "a head for rows of 33 values, the embeddings have 32"),
      ("--domain-keep a", "need --domain"), ("--domain %/wide.npz --domain-mix a=1,b", "--domain-mix"),
      ("--domain %/wide.npz --domain-mix a=1 --domain-keep a", "give either keep or mix"),
      ("--domain %/wide.npz --domain-total 5", "belongs to mix"),
      ("--domain %/sklearn.npz --domain-keep c", "the head has rest, rendition"),
      ("--domain %/sklearn.npz --domain-mix rest=1 --domain-total 100000", "the largest total at this ratio"),
    ] {
      let words = flags.split(separator: " ").map { $0.replacingOccurrences(of: "%", with: folder.path) }
      let result = try run(
        Repository.tamis,
        ["prune", "--image-embeddings", folder.path + "/image.npy", "-o", folder.path + "/out"] + words)
      #expect(result.status == 2 && result.errors.contains(message), "\(flags): \(result.errors)")
    }
  }
}
