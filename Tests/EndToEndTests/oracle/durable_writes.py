"""Checks in a system call trace that every name given was earned.

usage: durable_writes.py TRACE ROOT
TRACE is from `strace -f -y -e trace=fsync,fdatasync,rename,renameat2`. For every rename below ROOT: the source (a file,
or every file of a directory tree) was synced before, and the directory of the new name is synced after. Prints the
number of renames.
"""
import os
import re
import sys

trace, root = sys.argv[1:3]
synced = []  # (line, path), in order
renames = []
for number, line in enumerate(open(trace, errors="replace")):
    sync = re.search(r"f(?:data)?sync\(\d+<(.*?)>", line)
    if sync:
        synced.append((number, sync.group(1)))
    rename = re.search(r'rename\("(.*?)", "(.*?)"\)\s+= 0', line)
    if not rename:
        rename = re.search(r'renameat2\(AT_FDCWD[^,]*, "(.*?)", AT_FDCWD[^,]*, "(.*?)", RENAME_EXCHANGE\)\s+= 0', line)
    if rename:
        renames.append((number, os.path.normpath(rename.group(1)), os.path.normpath(rename.group(2))))

root = os.path.realpath(root)
checked = 0
for number, old, new in renames:
    if not os.path.realpath(os.path.dirname(new)).startswith(root):
        continue
    checked += 1
    before = [path for line, path in synced if line < number]
    after = [path for line, path in synced if line > number]
    assert any(path == old or path.startswith(old + "/") for path in before), f"{old} was not synced before its rename"
    parent = os.path.dirname(new)
    assert parent in after, f"{parent} was not synced after {new} got its name"
    if os.path.isdir(new):
        for folder, _, names in os.walk(new):
            for name in names:
                # A file of a renamed directory was synced under the directory's old name, or renamed within it.
                relative = os.path.relpath(os.path.join(folder, name), new)
                former = os.path.join(old, relative)
                hidden = os.path.join(os.path.dirname(former), f".{name}.tmp")
                later = os.path.join(folder, f".{name}.tmp")
                assert {former, hidden, later} & {path for _, path in synced}, f"{former} was never synced"
print(checked)
