#!/usr/bin/python3
"""policy-schema - the JSON Schemas of whitelist(5) and the C parser are of one opinion, as far as a schema can say it.

Every example, every fault of the unit test's tables and every file of the fuzz corpus goes through both. What the schema
refuses, the parser refuses at the same place; what the parser refuses and a schema can say, the schema refuses too.
Usage: B=BUILD policy-schema.t. Prints TAP.
"""
import ast, copy, glob, json, os, re, subprocess, sys
import jsonschema

SEKISHO = os.path.abspath(os.environ["B"]) + "/sekisho"
# What no schema can say, or not all of it: the parser alone knows.
PARSER_ALONE = {"bad_period", "wide_wildcard", "not_authority", "no_such_authority", "start_not_page",
                "bad_key"}  # of its spelling a schema can; it is refused where it is all zeros too
count = failed = 0


def check(good, what):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)


schemas = {}
for kind in ("policy", "gateways"):
    schemas[kind] = json.load(open(f"whitelist/{kind}.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schemas[kind])


def path_text(steps):
    out = ""
    for step in steps:
        out += f"[{step}]" if isinstance(step, int) else ("." if out else "") + step[:40]
    return out


def schema_faults(kind, tree):
    """Paths, as the parser writes them."""
    found = set()
    for error in jsonschema.Draft202012Validator(schemas[kind]).iter_errors(tree):
        at = list(error.absolute_path)
        if error.validator == "required":
            found |= {path_text(at + [name]) for name in error.validator_value if name not in error.instance}
        elif error.validator == "additionalProperties":
            found |= {path_text(at + [name]) for name in error.instance if name not in error.schema["properties"]}
        elif "propertyNames" in error.absolute_schema_path:
            found.add(path_text(at + [error.instance]))
        else:
            found.add(path_text(at))
    return found


def parser_faults(kind, tree):
    """[(path, code)]; None: its own size limit spoke first."""
    done = subprocess.run([SEKISHO, "policy", "lint", "--json", "--type", kind, "-"], input=json.dumps(tree).encode(),
                          capture_output=True)
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(f"lint: {done.returncode} {done.stderr.decode()}")
    answer = json.loads(done.stdout)
    return None if "error" in answer else [(fault["where"], fault["code"]) for fault in answer["faults"]]


def under(path, others):
    """Is the same value among them, or one around or inside it (a list is refused where one of its items is)?"""
    return any(path == o or path.startswith((o + ".", o + "[")) or o.startswith((path + ".", path + "[")) or o == ""
               for o in others)


def agree(kind, tree, what):
    schema, parser = schema_faults(kind, tree), parser_faults(kind, tree)
    if parser is None:
        return
    wrong = [f"the schema alone refuses {path}" for path in schema if not under(path, [p for p, _ in parser])]
    stopped = {"format", "payload_not_json"} & {code for _, code in parser}  # nothing behind it was looked at
    if stopped:
        wrong = [] if schema else ["the schema takes it"]
    else:
        wrong += [f"the parser alone refuses {path} ({code})" for path, code in parser
                  if code not in PARSER_ALONE and not under(path, schema)
                  and not sayable_not(tree, path, code)]
    check(not wrong, what + "".join(f"; {w}" for w in wrong))
    return bool(parser)


def sayable_not(tree, path, code):
    """Faults whose word a schema can say elsewhere, but not here."""
    if code == "duplicate":  # of what is an object's member; equal items of a list are another matter
        return not re.search(r"\.(ports|pins|anchors|addresses)\[\d+\]$", path)
    if code == "too_many":  # the ports of a bank's hosts together
        return bool(re.search(r"\.ports\[\d+\]$", path))
    # a number such as 1.0 is whole to a schema (RFC 8259 knows one kind of number), and none to the parser
    return code == "wrong_kind" and ".0" in json.dumps(tree)


# --- examples ---------------------------------------------------------------------------------------------------------

example = {"policy": json.load(open("whitelist/examples/banks-of-japan.json")),
           "gateways": json.load(open("whitelist/examples/gateways.json"))}
for kind in example:
    check(not schema_faults(kind, example[kind]) and parser_faults(kind, example[kind]) == [], f"the example of {kind} is good")
    other = "gateways" if kind == "policy" else "policy"
    check(schema_faults(other, example[kind]) and parser_faults(other, example[kind]), f"{kind} is no {other}")

# --- the unit test's faults -------------------------------------------------------------------------------------------


def put(tree, path, value):
    *way, last = path.split(".")
    for step in way:
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]
    if isinstance(tree, list):
        if int(last) < len(tree):
            tree[int(last)] = json.loads(value)
        else:
            tree.append(json.loads(value))
    elif value is None:
        tree.pop(last, None)
    else:
        tree[last] = json.loads(value)


source = open("tests/unit/whitelist.c", encoding="utf-8").read()
for name, text in re.findall(r'#define (\w+)\s+(".*")', source):
    source = re.sub(rf"(?<=[\[{{( ,\"]){name}(?=[\s,\]}}\"])", text, source)
rows = []
for table, kind in (("policy_faults", "policy"), ("gateway_faults", "gateways")):
    body = re.search(table + r"\[\] = \{(.*?)\n\};", source, re.S)[1]
    for row in re.findall(r"\{(.*?), WHITELIST_\w+,", body, re.S):
        path, value = ast.literal_eval("(" + row.replace("NULL", "None") + ")")
        rows.append((kind, path, value))
check(len(rows) >= 80, f"the unit test's tables are read: {len(rows)} faults")
policy = example["policy"]
base = {"policy": {**policy, "authorities": {"root": policy["authorities"]["tokiwa-root-r1"]}, "banks": [
    {"id": bank, "name": {"ja": "見本銀行", "en": "Sample Bank"}, "start": f"https://{hosts[0]}/", "support": "+81-3-0000-0000",
     "hosts": [{"name": host, "role": "asset" if "*" in host else "page", "ports": [443], "anchors": ["root"],
                "pins": policy["banks"][0]["hosts"][0]["pins"]} for host in hosts]}
    for bank, hosts in (("alpha", ("www.alpha.example", "*.cdn.alpha.example", "otp.alpha.example")),
                        ("beta", ("beta.example",)))]},
        "gateways": {**example["gateways"], "gateways": example["gateways"]["gateways"][:1]}}
for kind in base:
    check(agree(kind, base[kind], f"the {kind} that the faults are put into") is False, f"it is good ({kind})")
for kind, path, value in rows:
    tree = copy.deepcopy(base[kind])
    put(tree, path, value)
    agree(kind, tree, f"{kind}: {path} = {value if value and len(value) < 60 else value and value[:50] + '...'}")

# --- everything of another kind, taken away, or emptied ----------------------------------------------------------------


def places(tree, way=()):
    yield way
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(value, way + (key,))


bad = good = 0
for kind in base:
    for way in places(base[kind]):
        for value in (None, True, 0, 53, -1, 1e3, "", " ", "x", [], {}, "REMOVE"):
            tree = copy.deepcopy(base[kind])
            at = tree
            if not way:
                continue
            for step in way[:-1]:
                at = at[step]
            if value == "REMOVE":
                del at[way[-1]]
            else:
                at[way[-1]] = value
            if len(way) > 3 and way[1] != 0:
                continue  # the first bank's, the first gateway's: the others are alike
            schema, parser = schema_faults(kind, tree), parser_faults(kind, tree)
            alone = [(p, c) for p, c in parser if c not in PARSER_ALONE and not under(p, schema) and not sayable_not(tree, p, c)]
            stopped = {"format", "payload_not_json"} & {c for _, c in parser}
            if (not stopped and alone) or any(not under(p, [q for q, _ in parser]) for p in schema if not stopped):
                check(False, f"{kind}: {path_text(way)} = {value!r}: schema {sorted(schema)}, parser {parser}")
            bad += bool(parser)
            good += not parser
check(bad > 500 and good > 3, f"one value of another kind or none at each place: {bad} bad and {good} good, of one opinion")

for path in sorted(glob.glob("tests/fuzz/corpus/policy/*")):
    try:
        tree = json.load(open(path, encoding="utf-8"))
    except ValueError:
        continue
    for kind in base:
        agree(kind, tree, f"{os.path.basename(path)} as {kind}")

print(f"1..{count}")
sys.exit(failed > 0)
