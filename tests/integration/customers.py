"""customers - what a customer logs in to a bank with, for tests: certificates by openssl, and a PKCS#11 token by SoftHSM."""
import base64
import os
import subprocess

from tap import bail

PIN = "271828"  # the token's


def must(*command, **how):
    done = subprocess.run(command, capture_output=True, **how)
    if done.returncode:
        bail(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def authority(path):
    must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "100",
         "-config", "/dev/null", "-subj", "/CN=Root", "-keyout", path + ".key", "-out", path + ".crt", "-addext",
         "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-addext",
         "subjectKeyIdentifier=hash")
    return path


def issue(root, path, subject, extensions, kind=("EC", "-pkeyopt", "ec_paramgen_curve:P-256")):
    must("openssl", "genpkey", "-quiet", "-algorithm", *kind, "-out", path + ".key")
    with open(path + ".ext", "w") as file:
        file.write("\n".join(["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                              "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid:always", *extensions]))
    request = must("openssl", "req", "-new", "-config", "/dev/null", "-key", path + ".key", "-subj", subject)
    must("openssl", "x509", "-req", "-sha256", "-CA", root + ".crt", "-CAkey", root + ".key", "-days", "30",
         "-extfile", path + ".ext", "-out", path + ".crt", input=request)
    return path


def pin(path):
    der = must("openssl", "pkey", "-in", path + ".key", "-pubout", "-outform", "DER")
    return base64.b64encode(must("openssl", "dgst", "-sha256", "-binary", input=der)).decode()


def fill_token(folder, keys, seen_as=None):
    """A token of files with these keys, label -> path of path.key; the stick sees its folder as `seen_as`."""
    os.makedirs(folder + "/tokens")
    with open(folder + "/softhsm2.conf", "w") as file:
        file.write(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    how = {"env": os.environ | {"SOFTHSM2_CONF": folder + "/softhsm2.conf"}}
    must("softhsm2-util", "--init-token", "--free", "--label", "firm", "--pin", PIN, "--so-pin", "161803", **how)
    for number, (label, path) in enumerate(keys.items(), 1):
        must("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", path + ".key", "-out", folder + "/key.p8")
        must("softhsm2-util", "--import", folder + "/key.p8", "--token", "firm", "--label", label, "--id", f"0{number}",
             "--pin", PIN, **how)
    os.unlink(folder + "/key.p8")
    if seen_as:
        with open(folder + "/softhsm2.conf") as file:
            text = file.read()
        with open(folder + "/softhsm2.conf", "w") as file:
            file.write(text.replace(folder, seen_as))
