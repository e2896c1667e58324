"""national - a policy of a whole country, made of the demonstration's: signed by its people."""
import json
import os

from tap import must

B = os.path.realpath(os.environ["B"])


def policy(version, banks=100, hosts=100):
    """The demonstration's banks, and others with a hundred hosts each, until there are so many."""
    made = json.load(open(f"{B}/demo/policy-3.json"))
    made["version"] = version
    model, host = made["banks"][-1], made["banks"][0]["hosts"][0]
    for b in range(banks - len(made["banks"])):
        names = ["www", *(f"cdn{h}.assets" for h in range(1, hosts))]
        made["banks"].append({**model, "id": f"bank-{b:03}", "start": f"https://www.bank-{b:03}.example/",
                              "name": {"ja": f"第{b}見本銀行", "en": f"Sample Bank {b}"},
                              "hosts": [{**host, "name": f"{name}.bank-{b:03}.example", "role": "page" if h < 30 else "asset"}
                                        for h, name in enumerate(names)]})
    return made


def sign(made, path, kind="policy"):
    """`path`, and what is in it; the text is as long as it is written here."""
    with open(f"{path}.json", "w") as file:
        json.dump(made, file, ensure_ascii=False, separators=(",", ":"))
    for person, to, of in (1, f"{path}.once", f"{path}.json"), (3, path, f"{path}.once"):
        must(f"{B}/sekisho", "policy", "sign", "--type", kind, "--key", f"{B}/demo/keys/root-{person}.key", "-o", to, of)
    os.unlink(f"{path}.once")
    with open(path, "rb") as file:
        return file.read()
