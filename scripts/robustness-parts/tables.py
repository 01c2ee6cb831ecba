"""The tables of docs/robustness.md."""
import collections

from compare import RULES

BEGIN, END = "<!-- tables: written by scripts/robustness -->", "<!-- end of tables -->"


def cell(text):
    """Text that stands in a table: no bars, no addresses of objects."""
    text = text.split(" <_io")[0].replace("|", "\\|").replace("\n", " ")
    return text if len(text) < 90 else text[:87] + "..."


def counts(rows):
    table = collections.Counter((row.corpus, row.rule) for row in rows)
    corpora = list(dict.fromkeys(row.corpus for row in rows))
    rules = [rule for rule in RULES if any(table[corpus, rule] for corpus in corpora)]
    lines = ["| corpus | files | " + " | ".join(rules) + " |", "|---|---|" + "---|" * len(rules)]
    for corpus in corpora:
        cells = [str(table[corpus, rule] or "") for rule in rules]
        lines.append(f"| {corpus} | {sum(table[corpus, r] for r in rules)} | " + " | ".join(cells) + " |")
    totals = [str(sum(table[corpus, rule] for corpus in corpora)) for rule in rules]
    lines.append(f"| **all** | {len(rows)} | " + " | ".join(totals) + " |")
    return lines


def differences(rows):
    lines = ["| file | Pillow | Tamis | rule |", "|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: (row.rule, row.corpus, row.name)):
        if row.rule in ("warning", "cut", "crc", "more", "wrong") and "crafted" not in row.corpus:
            lines.append(f"| {row.corpus}: {row.name} | {cell(row.pillow)} | {cell(row.ours)} | {row.rule} |")
    return lines


def formats(rows):
    table = collections.Counter(
        (row.pillow.split()[0], row.ours.split(":")[0]) for row in rows if row.rule == "format")
    lines = ["| Pillow reads | files | Tamis |", "|---|---|---|"]
    return lines + [f"| {kind} | {count} | {code} |" for (kind, code), count in sorted(table.items())]


def rejects(rows):
    table = collections.Counter(row.ours.split(":")[0] for row in rows if row.rule == "both")
    return ["| code | files |", "|---|---|"] + [f"| {code} | {count} |" for code, count in sorted(table.items())]


def bomb_table(rows):
    lines = ["| file | bytes | Tamis | memory it may take |", "|---|---|---|---|"]
    return lines + [f"| {name} | {size} | {code} | {memory} |" for name, size, code, memory in rows]


def summary(rows, bomb_rows):
    return "\n".join(counts(rows) + [f"{len(bomb_rows)} bombs"])


def write(path, rows, bomb_rows):
    """Puts the tables between the marks of the page."""
    crafted = collections.Counter(cell(row.pillow).split(":")[0] for row in rows if row.rule == "more" and "crafted" in row.corpus)
    parts = [BEGIN, "", "Files by corpus and rule:", "", *counts(rows), "", "Each rule:", ""]
    parts += [f"- `{rule}`: {text}" for rule, text in RULES.items() if rule != "wrong"]
    parts += ["", "Every file where the verdicts or the pixels differ (16 bit and other formats apart):", "", *differences(rows)]
    parts += ["", "Of the crafted files Pillow fails on " + ", ".join(f"{n} by {e}" for e, n in sorted(crafted.items()))
              + " (an orientation that is no integer makes it fail after it has turned the pixels); Tamis decodes them."]
    parts += ["", "Formats that Tamis does not read:", "", *formats(rows)]
    parts += ["", "Files that both reject, by our code:", "", *rejects(rows)]
    parts += ["", "Bombs, each run alone within the memory its header announces and again within a shard:", "", *bomb_table(bomb_rows), "", END]
    text = path.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(head + "\n".join(parts) + tail)
