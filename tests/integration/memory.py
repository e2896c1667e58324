"""memory - what a process holds, looked through from outside, for tests of secrets."""


def holds(pid, needle):
    """Whether a process has these bytes anywhere in its memory, as far as that can be read."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            extent, access = line.split()[:2]
            if "r" not in access or "[v" in line:
                continue
            start, end = (int(part, 16) for part in extent.split("-"))
            try:
                memory.seek(start)
                if needle in memory.read(end - start):
                    return True
            except OSError:
                pass
    return False
