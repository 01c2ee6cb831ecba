extension RecipeFile {
  /// A recipe to start from: every key with its default and what it means.
  public static let template = """
    # A Tamis recipe. Every key but input.path and publish.path may be left out; the values here are the defaults.
    # Paths are relative to this file. `tamis recipe check FILE` names every mistake.

    input:
      path: shards/                  # a directory, a shard, a pattern ("x/{00000..00041}.tar", "*/part-?.tar.zst"),
                                     # several joined by ::, or "-" for standard input
      match: "*.tar{,.gz,.zst}"      # which files; at any depth
      image_field: [jpg, jpeg, png, webp, gif]   # the first a sample has is its image
      keys: error                    # one key in two shards: error | prefix (put the shard's name before every key)
      duplicates: reject             # a key that comes again in a shard: reject | merge | rename
      salvage: false                 # true: keep the whole samples before the fault of a broken shard
      ignore_zeros: false            # true: read concatenated tars on through their end markers

    decode:
      max_pixels: 89478485
      max_cost: auto                 # pixels x scans + bytes of one image; auto: 1431655760
      apply_orientation: true        # EXIF
      on_bad_caption: keep           # not UTF-8, a NUL, above 1 MiB: keep | replace | drop
      on_warning: reject             # JPEGs that decode with warnings: reject | keep
      fast: false                    # true: decode JPEGs at 1/2, 1/4 or 1/8 where that suffices; see docs/performance.md

    features:
      pca:
        size: 32                     # side of the thumbnail
        fit: crop                    # crop | squash
        filter: bicubic              # box | bilinear | bicubic | lanczos
        basis: full                  # full | separable | dct | truncated | patch (docs/pca-bases.md)
        components: all              # of full: leading ones kept; of truncated: how many, at most 1024
        standardize: feature         # feature | channel | none
        fit_on: all                  # all accepted samples | kept: those that pruning keeps
        mask: { ratio: [0.1, 0.9], rule: closest, seed: 0 }   # component masks, see publish.add
      image: { encoder: pixels }     # the embedding that pruning works on; or { encoder: efficientnet-lite0 }, or
                                     # { model: clip-visual.onnx, preset: clip } (docs/encoders.md),
                                     # or { file: emb.npy, keys: keys.txt } (docs/embeddings.md)
      text: none                     # captions: { encoder: ngrams }, { encoder: minilm-conse },
                                     # or { model: clip-textual.onnx, tokenizer: tokenizer.json }, or a file as above
      quality: false                 # true: brightness, sharpness, pHash... of each sample (docs/quality.md)

    # What is dropped, in this order; leave a stage out and it does not run.
    prune:
      # filter: "min(width, height) >= 200"   # drop what does not pass (docs/filters.md)
      # domain: { head: natural.npz, keep: [natural] }   # drop other domains, or mix them (docs/domains.md)
      dedup: { epsilon: auto }       # near-duplicates: drop what is more similar than 1 - epsilon; or keep: 0.8
      concepts:                      # quotas by concept complexity
        clusters: auto
        neighbours: 20
        temperature: 0.1
        balance: 0
        keep: 0.4                    # fraction kept of what reaches the stage
        rule: hard                   # hard | easy | random
        # quotas: complexity         # or uniform, the same for all, or size (docs/pruning.md)
      # score: { keep: 0.9 }         # drop the worst scores of image and caption; needs text: minilm-conse or models
      # reference: { file: [test.npy], rule: near, keep: 0.9 }   # drop what is nearest to test sets

    publish:
      path: out/
      format: webdataset             # webdataset | mds | npy (arrays of `add`) | columns (the same beside each input shard)
      compress: none                 # none | zstd | zstd:1 to 22 | { zstd: 19, window: 27 } | gzip | gzip:1 to 9
      samples_per_shard: 10000       # or all
      # shard_bytes: 64MiB           # a further bound, before compression; MDS has 64MiB without it
      digits: 5                      # of shard numbers; 8 as DataComp
      order: input                   # input | key | { shuffle: SEED }
      add: []                        # [mask]: a component mask beside each sample; embedding, thumbnail, text, joint...
      image: keep                    # the stored bytes | resize | raw (pixels), with image_size, resize_mode...
      # image_field: jpg             # one name for all pictures
      # fields: [jpg, txt]           # publish these only, or { caption.txt: txt, jpg: [jpg, png] }
      missing: error                 # a field that only some samples have: error | empty | drop
      # sidecars: all                # files beside the shards (docs/publishing.md)

    daemon:                          # tamis serve
      listen: 127.0.0.1:8088         # status and metrics; none opens no port
      fit: { after_samples: 10000 }  # the plan is fitted on the first so many samples; on_drift: false never again
      quiet_seconds: 5               # a shard written in place is taken, and an open one published, after so long
      drain_seconds: 60              # after SIGTERM
      on_success: keep               # input shards whose samples are published: keep | delete | { move: done/ }
      # poll_seconds: 10             # for network file systems, which tell nothing of new files
      min_free: 256MiB               # no shard is taken while less is free on the disk

    limits:
      memory: 2GiB
      jobs: auto                     # worker threads
      image_seconds: 5               # an image that decodes longer than this, twice, is rejected

    """
}
