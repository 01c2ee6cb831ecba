"""Writes Goldens/tokenizers.json: small vocabularies, trained by the library `tokenizers` on the captions themselves, and
the ids that it gives. With --full OUT it writes the same for the vocabularies of MiniLM and CLIP and thousands of
captions, which are not committed (RealVocabularyTests):

    make_tokenizer_goldens.py                       needs tokenizers (scripts/models-requirements.txt)
    make_tokenizer_goldens.py --full OUT DEPS       DEPS: .deps after scripts/build-models
"""
import gzip
import json
import pathlib
import sys
import zipfile

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_captions import captions

HERE = pathlib.Path(__file__).resolve().parent
LIMITS = [12, 77, 512]


def ids(tokenizer, texts, limits):
    """Ids of every caption, by limit."""
    tokenizer.no_padding()
    out = {}
    for limit in limits:
        tokenizer.enable_truncation(limit)
        out[str(limit)] = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    return out


def bert(vocab, lower=True):
    """As transformers builds BertTokenizer from a vocabulary."""
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])])
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return tokenizer


PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def clip(merges):
    """As transformers builds CLIP's, with the ids of OpenAI's program: bytes, bytes at a word's end, merges, two tokens."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 400))
    alphabet = {b: chr(b if b in printable else next(spare)) for b in range(256)}
    letters = [alphabet[b] for b in printable] + [alphabet[b] for b in range(256) if b not in printable]
    tokens = letters + [c + "</w>" for c in letters] + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: i for i, token in enumerate(tokens)}
    start, end = len(tokens) - 2, len(tokens) - 1
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<|endoftext|>", continuing_subword_prefix="", end_of_word_suffix="</w>", fuse_unk=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PATTERN), behavior="removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", end), ("<|startoftext|>", start), False, False)
    tokenizer.add_special_tokens([AddedToken(t, normalized=True, special=True) for t in ("<|startoftext|>", "<|endoftext|>")])
    return tokenizer, vocab


def both(texts, words, merges, limits):
    vocab_txt = "".join(token + "\n" for token in words)
    vocab = {token: i for i, token in enumerate(words)}
    uncased, cased = bert(vocab), bert(vocab, lower=False)
    pairs, pair_vocab = clip(merges)
    lines = "".join(f"{a} {b}\n" for a, b in merges)
    out = {"captions": texts, "wordpiece": ids(uncased, texts, limits), "wordpieceCased": ids(cased, texts, limits), "bytepair": ids(pairs, texts, limits)}
    files = {"vocab.txt": vocab_txt, "wordpiece.json": uncased.to_str(), "cased.json": cased.to_str(),
             "simple.txt": '"bpe_simple_vocab_16e6.txt#version: 0.2\n' + lines, "merges.txt": "#version: 0.2\n" + lines,
             "vocab.json": json.dumps(pair_vocab, ensure_ascii=False), "bytepair.json": pairs.to_str()}
    for tokenizer in (uncased, cased, pairs):
        tokenizer.no_truncation()
    files |= {"wordpiece.json": uncased.to_str(), "cased.json": cased.to_str(), "bytepair.json": pairs.to_str()}
    return out, files


def small():
    texts = captions(200)
    corpus = [text for text in texts if text.isprintable()]
    uncased = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    uncased.normalizer, uncased.pre_tokenizer = normalizers.BertNormalizer(lowercase=False), pre_tokenizers.BertPreTokenizer()
    uncased.train_from_iterator(corpus, trainers.WordPieceTrainer(
        vocab_size=700, limit_alphabet=300, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    words = [token for token, _ in sorted(uncased.get_vocab().items(), key=lambda item: item[1])]
    pairs = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    pairs.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    pairs.pre_tokenizer = clip([])[0].pre_tokenizer
    pairs.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=900, show_progress=False, end_of_word_suffix="</w>", initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    merges = [tuple(merge) for merge in json.loads(pairs.to_str())["model"]["merges"]]
    values, files = both(texts, words, merges, [12, 512])
    values |= {"library": "tokenizers " + tokenizers.__version__, "files": files}
    path = HERE.parent / "Goldens" / "tokenizers.json"
    path.write_text(json.dumps(values, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size)


def full(out, deps):
    texts = captions(2500)
    stamps = deps / "corpora" / "tuxpaint-stamps-default"
    for path in sorted(stamps.rglob("*.txt"))[::4]:
        texts += [line.split("=", 1)[-1] for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    words = (deps / "models" / "minilm.vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    (wheel,) = (deps / "downloads").glob("imgsearch-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        simple = gzip.decompress(archive.read("tinyclip/bpe_simple_vocab_16e6.txt.gz"))
    merges = [tuple(line.split()) for line in simple.decode().split("\n")[1:49152 - 256 - 2 + 1]]
    values, files = both(texts, words, merges, LIMITS)
    # MiniLM's own description must agree with the one made here.
    own = Tokenizer.from_file(str(deps / "models" / "minilm.tokenizer.json"))
    assert ids(own, texts, LIMITS) == values["wordpiece"]
    files["simple.txt"] = simple.decode()
    files["wordpiece.json"] = (deps / "models" / "minilm.tokenizer.json").read_text(encoding="utf-8")
    for name, text in files.items():
        (out / name).write_bytes(text.encode())
    (out / "ids.json").write_text(json.dumps(values | {"library": "tokenizers " + tokenizers.__version__, "files": {}}))


if sys.argv[1:2] == ["--full"]:
    full(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
else:
    small()
