"""Captions that tokenizers may stumble over; the same ones for the same count and seed."""
import random

PLAIN = [
    "", " ", "\t\n", "A sitting gnu.", "a photo of a cat, on a red sofa!", "It's the dog's ball; they've won, I'll say, we'd go, I'm in",
    "DON'T SHOUT'S 'S's 'Ll", "e-mail: someone@example.org, http://example.org/a_b?c=d&e=%20f#g", "1234567890 3.14159 1,000,000 ½ ²³ Ⅻ ٣٤٥ १२३",
    "Ein schönes Mädchen fährt über die Brücke, Straße Nr. 7", "L'été à l'île, œuvre d'un garçon naïf, Noël", "El niño comió una piña en España",
    "Żółta łódź płynie po morzu", "Příliš žluťoučký kůň úpěl", "İstanbul'da ılık bir gün, IŞIK", "Ο ΣΊΣΥΦΟΣ ΚΑΙ Ο ΌΔΥΣΣΕΑΣ ταξιδεύει", "Красный трактор едет по полю, ЁЖИК",
    "Україна: їжак і ґанок", "قطة سوداء على السرير", "كَتَبَ الطَّالِبُ", "חתול שחור שָׁלוֹם", "एक काली बिल्ली क़लम", "বাংলা ভাষা", "தமிழ் மொழி", "ภาษาไทยไม่มีช่องว่าง",
    "東京タワーの写真、カメラ", "ガラスがガタガタ ｶﾞﾗｽ", "红色的汽车在路上", "臺灣的山", "한국어 문장입니다", "각 각", "Việt Nam đẹp lắm", "ქართული ენა", "Հայերեն", "አማርኛ", "ᏣᎳᎩ ꮳꮃꭹ",
    "🐈‍⬛ 👩‍👩‍👧‍👦 👍🏽 🇩🇪 ❤️", "😀😃😄 smile:) ;-) ¯\\_(ツ)_/¯", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ｆｕｌｌｗｉｄｔｈ ①②③ ﬁ ﬂ ﷺ", "a\u0301e\u0301 \u00e1\u00e9 \u1e9b\u0323 q\u0307\u0323 \u212b \u2126",
    "zero\u200bwidth\u200djoin\ufeffbom\u00adsoft\u2060", "nul\x00 bell\x07 esc\x1b del\x7f nel\x85 tab\tvt\x0bff\x0cfs\x1c", "\u00a0no\u00a0break\u3000ideographic\u2003em\u2028line\u2029para",
    "\u202eright to left\u202c", "\ufffd\ufffe\uffff \ue000\U000f0000", "[CLS] a [SEP] b [MASK][PAD] [unk] [UNK]", "<|startoftext|>a<|endoftext|> b <|ENDOFTEXT|> <|endoftext|",
    "…‘quotes’ “double” «angle» – — ‐ · • © ® ™ § ¶ € £ ¥ $ + < = > ^ ` | ~", "word" * 24 + "abcd", "word" * 25 + "e", "x" * 300, "a " * 90, "é" * 101, "\u0301" * 40, "'" * 20 + "s", "ſ 'ſ ß ẞ ŉ ǆ ǰ",
    "\u2e43 \u0bf9\u166d\u1885\u1734\U00011938\U000111c9 \U0002b82f\U0002ceae \u08e2 \U0001e5ff", "a#b ##c #d", "\U0001f1e6\U0001fae8\U00016ea0\u088f", "\r\n line \r end\n",
]
BLOCKS = [(0x20, 0x7F), (0xA0, 0x250), (0x250, 0x370), (0x370, 0x530), (0x530, 0x800), (0x800, 0x1000), (0x1000, 0x2000), (0x2000, 0x2C00), (0x2C00, 0x3100),
          (0x3100, 0xA000), (0xA000, 0xD800), (0xE000, 0x10000), (0x10000, 0x12000), (0x16000, 0x17000), (0x1D000, 0x1F000), (0x1F000, 0x20000), (0x20000, 0x30000), (0x0, 0x20), (0x300, 0x370)]


def captions(count, seed=20261121):
    rng, out = random.Random(seed), list(PLAIN)
    words = [word for line in PLAIN for word in line.split(" ") if word]
    while len(out) < count:
        if len(out) % 2:
            parts = rng.choices(words, k=rng.randint(1, 12))
            out.append(rng.choice([" ", " ", "  ", "", "\u3000"]).join(parts))
        else:
            blocks = rng.choices(BLOCKS, k=3)
            letters = [chr(rng.randrange(*rng.choice(blocks))) for _ in range(rng.randint(1, 30))]
            out.append("".join(rng.choice(["", "", "", " "]) + c for c in letters))
    return out[:count]
