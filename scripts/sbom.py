#!/usr/bin/env python3
"""What the program is made of: a bill of materials (CycloneDX 1.5, JSON) and the licences of everything in it.

    scripts/sbom.py [--out FOLDER] [--target TRIPLE]

Reads Cargo.lock through `cargo metadata` and the lock file of the pages' packages; downloads nothing that a build would not. Writes
sentinela.cdx.json and LICENSES-dependencies.txt. The same sources give the same files: dates come from SOURCE_DATE_EPOCH or the
last commit, the serial number from the contents.
"""

import argparse
import base64
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
UI = ROOT / "src/web/ui"
# What the pages' bundle holds of npm; the rest are tools that build it.
BUNDLED = ("maplibre-gl", "@fontsource-variable/atkinson-hyperlegible-next")
LICENCE_FILE = re.compile(r"^(licen[cs]e|copying|notice|unlicense|copyright)([-_.].*)?$", re.IGNORECASE)


def run(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def instant():
    """Seconds since 1970 that everything written bears as its date."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or run("git", "log", "-1", "--format=%ct").strip()
    return int(epoch)


def texts(folder):
    """Names and texts of the licence files right in a folder, or in a folder of them."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and LICENCE_FILE.match(path.name):
            found.append((path.name, path.read_text(encoding="utf-8", errors="replace").strip()))
        elif path.is_dir() and path.name.lower() in ("license", "licenses", "licences"):
            inside = sorted(file for file in path.rglob("*") if file.is_file())
            found += [(f"{path.name}/{f.name}", f.read_text(encoding="utf-8", errors="replace").strip()) for f in inside]
    return found


def crates(target):
    """The crates that are linked into the program or run while it is built, and who needs whom. Not those of its tests."""
    meta = json.loads(run("cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target))
    packages = {package["id"]: package for package in meta["packages"]}
    nodes = {node["id"]: node for node in meta["resolve"]["nodes"]}
    root = meta["resolve"]["root"]

    def needs(ident):
        deps = nodes[ident]["deps"]
        kept = [dep["pkg"] for dep in deps if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"])]
        return sorted(set(kept))

    seen, waiting = {root}, [root]
    while waiting:
        for other in needs(waiting.pop()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    sums = checksums()
    found = {}
    for ident in seen - {root}:
        package = packages[ident]
        name, version = package["name"], package["version"]
        # Years ago a slash stood for OR.
        licence = package["license"] and re.sub(r"\s*/\s*", " OR ", package["license"])
        found[ident] = {
            "ref": f"pkg:cargo/{name}@{version}",
            "name": name,
            "version": version,
            "licence": licence,
            "hash": ("SHA-256", sums[(name, version)]),
            "home": package["repository"] or package["homepage"],
            "texts": texts(pathlib.Path(package["manifest_path"]).parent),
        }
    refs = {ident: part["ref"] for ident, part in found.items()}
    graph = {refs[ident]: [refs[other] for other in needs(ident)] for ident in found}
    return packages[root], list(found.values()), graph, [refs[other] for other in needs(root)]


def checksums():
    """Of each crate's file, as the lock file demands them."""
    sums = {}
    for block in (ROOT / "Cargo.lock").read_text().split("[[package]]")[1:]:
        fields = dict(re.findall(r'^(name|version|checksum) = "([^"]+)"', block, re.MULTILINE))
        if "checksum" in fields:
            sums[(fields["name"], fields["version"])] = fields["checksum"]
    return sums


def scripts():
    """The npm packages within the pages' bundle, and who needs whom."""
    lock = json.loads((UI / "package-lock.json").read_text())["packages"]
    found, graph, waiting = {}, {}, [f"node_modules/{name}" for name in BUNDLED]
    while waiting:
        place = waiting.pop()
        if place in found:
            continue
        entry, name = lock[place], place.rsplit("node_modules/", 1)[1]
        if not (UI / place).is_dir():
            sys.exit(f"sbom: {UI / place} is missing: run `make ui` first")
        algorithm, digest = entry["integrity"].split("-", 1)
        if algorithm != "sha512":
            sys.exit(f"sbom: {place}: a checksum by {algorithm} is not expected")
        found[place] = {
            "ref": f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}",
            "name": name,
            "version": entry["version"],
            "licence": entry.get("license"),
            "hash": ("SHA-512", base64.b64decode(digest).hex()),
            "home": None,
            "texts": texts(UI / place),
        }
        below = [resolve(lock, place, other) for other in entry.get("dependencies", {})]
        graph[place] = below
        waiting += below
    refs = {place: part["ref"] for place, part in found.items()}
    graph = {refs[place]: [refs[other] for other in below] for place, below in graph.items()}
    return list(found.values()), graph, [refs[f"node_modules/{name}"] for name in BUNDLED]


def resolve(lock, place, name):
    """Where node finds a package that another one needs: beside it, else further out."""
    while True:
        inside = f"{place}/node_modules/{name}" if place else f"node_modules/{name}"
        if inside in lock:
            return inside
        if not place:
            sys.exit(f"sbom: {name} is not in the lock file")
        place = place.rpartition("/node_modules/")[0] if "/node_modules/" in place else ""


def component(part):
    licence = {"expression": part["licence"]} if part["licence"] else {"license": {"name": "see its own file"}}
    entry = {
        "type": "library",
        "bom-ref": part["ref"],
        "name": part["name"],
        "version": part["version"],
        "hashes": [{"alg": part["hash"][0], "content": part["hash"][1]}],
        "licenses": [licence],
        "purl": part["ref"],
    }
    if part["home"]:
        entry["externalReferences"] = [{"type": "website", "url": part["home"]}]
    return entry


def bill(root, parts, graph, direct):
    own = {
        "type": "application",
        "bom-ref": f"pkg:generic/sentinela@{root['version']}",
        "name": root["name"],
        "version": root["version"],
        "description": root["description"],
        "licenses": [{"expression": root["license"]}],
        "purl": f"pkg:generic/sentinela@{root['version']}",
    }
    stamp = datetime.datetime.fromtimestamp(instant(), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    graph = {own["bom-ref"]: direct, **graph}
    body = {
        "metadata": {"timestamp": stamp, "component": own},
        "components": [component(part) for part in parts],
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(graph[ref]))} for ref in sorted(graph)],
    }
    known = {part["ref"] for part in parts} | {own["bom-ref"]}
    unknown = {ref for below in graph.values() for ref in below} - known
    if unknown:
        sys.exit(f"sbom: nobody describes {sorted(unknown)}")
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"sentinela:{digest}").urn
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": serial, "version": 1, **body}


def licences(parts):
    """Every part with its licence, then each text once with the parts that carry it."""
    lines = [f"The {len(parts)} packages within Sentinela, and their licences.", ""]
    holders = {}
    for part in parts:
        names = []
        for name, text in part["texts"]:
            number, _ = holders.setdefault(" ".join(text.split()), (len(holders) + 1, text))
            names.append(f"{name} = text {number}")
        where = "; ".join(names) if names else "brings no text of its own; the licence named is meant in its usual words"
        lines.append(f"{part['name']} {part['version']}: {part['licence'] or 'see its own file'} ({where})")
    for number, text in holders.values():
        lines += ["", "=" * 100, f"Text {number}", "=" * 100, text]
    return "\n".join(lines) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=pathlib.Path, default=ROOT / "target/package")
    arguments.add_argument("--target", default="x86_64-unknown-linux-gnu", help="of the Rust toolchain")
    chosen = arguments.parse_args()
    root, rust, rust_graph, rust_direct = crates(chosen.target)
    node, node_graph, node_direct = scripts()
    parts = sorted(rust + node, key=lambda part: part["ref"])
    without = [part["ref"] for part in parts if not part["licence"] and not part["texts"]]
    if without:
        sys.exit(f"sbom: under which licence? {without}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    written = bill(root, parts, {**rust_graph, **node_graph}, rust_direct + node_direct)
    (chosen.out / "sentinela.cdx.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    (chosen.out / "LICENSES-dependencies.txt").write_text(licences(parts))
    print(f"{len(rust)} crates and {len(node)} npm packages in {chosen.out}/sentinela.cdx.json and LICENSES-dependencies.txt")


main()
